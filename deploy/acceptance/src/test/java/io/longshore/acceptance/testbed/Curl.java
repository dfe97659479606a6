package io.longshore.acceptance.testbed;

import java.util.ArrayList;
import java.util.List;

/** 'buf curl', a gRPC client that knows nothing of Longshore. */
final class Curl {
  private Curl() {}

  /**
   * A call that finds its schema by reflection; not yet run.
   *
   * @param certificates folder with the caller's files
   * @param url of the call: https://host:port/package.Service/Method
   */
  static Command of(Testbed testbed, String host, String certificates, String request, String url) {
    return curl(testbed, host, tls(certificates), List.of(), request, url);
  }

  /** A call of someone who has the .proto files and needs no reflection. */
  static Command withSchema(
      Testbed testbed, String host, String certificates, String request, String url) {
    return curl(testbed, host, tls(certificates), schema(), request, url);
  }

  /** Someone who trusts the server, but shows no certificate. */
  static Command anonymous(
      Testbed testbed, String host, String authority, String request, String url) {
    return curl(testbed, host, List.of("--cacert", authority), schema(), request, url);
  }

  /** Without TLS. */
  static Command plaintext(Testbed testbed, String host, String request, String url) {
    return curl(testbed, host, List.of("--http2-prior-knowledge"), schema(), request, url);
  }

  private static List<String> tls(String folder) {
    return List.of(
        "--cacert",
        folder + "/ca.crt",
        "--cert",
        folder + "/tls.crt",
        "--key",
        folder + "/tls.key");
  }

  private static List<String> schema() {
    return List.of("--schema", Checkout.path("proto/src/main/proto").toString());
  }

  private static Command curl(
      Testbed testbed,
      String host,
      List<String> tls,
      List<String> schema,
      String request,
      String url) {
    List<String> words =
        new ArrayList<>(List.of(Checkout.tool("LONGSHORE_BUF"), "curl", "--protocol", "grpc"));
    words.addAll(tls);
    words.addAll(schema);
    words.addAll(List.of("--data", request, url));
    return testbed.on(host, words.toArray(String[]::new));
  }
}
