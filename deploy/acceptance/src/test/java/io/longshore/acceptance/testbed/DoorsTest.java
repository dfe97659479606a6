package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Who may come in at the ports of the running services: strangers with the .proto files and every
 * kind of certificate, from host client.
 */
@OnTestbed
@Order(2)
class DoorsTest {
  private static final String COORDINATOR = "10.77.0.2:7700";
  private static final String SOURCE = "10.77.0.11:7710";
  private static final String TARGET = "10.77.0.12:7720";
  private static final String TRANSFER = "10.77.0.12:7721";
  private static final String PREPARE_TARGET =
      """
      {"migration": {"migration_id": "m-evil", "epoch": 9}, "facts": {"command": "x"}}
      """;
  private static final String ABORT_TARGET =
      """
      {"migration": {"migration_id": "m-evil", "epoch": 9}}
      """;
  private static final String OPEN =
      """
      {"open": {"migration_id": "m-evil", "epoch": 9, "secret": "AAAA"}}
      """;

  private final Testbed testbed;

  DoorsTest(Testbeds testbeds) {
    testbed = testbeds.usual();
  }

  /** A call at every port that would change something if it were let through. */
  static Stream<Arguments> calls() {
    return Stream.of(
        Arguments.of(
            "longshore.v1.MigrationService/CancelMigration",
            COORDINATOR,
            "{\"migration_id\": \"m-1\"}"),
        Arguments.of(
            "longshore.agent.v1.SourceAgentService/RollBackSource",
            SOURCE,
            "{\"migration\": {\"migration_id\": \"m-evil\", \"epoch\": 9}}"),
        Arguments.of("longshore.agent.v1.TargetAgentService/PrepareTarget", TARGET, PREPARE_TARGET),
        Arguments.of("longshore.transfer.v1.TransferService/SendImages", TRANSFER, OPEN));
  }

  @ParameterizedTest
  @MethodSource("calls")
  void refusesWhoHasNoGoodCertificate(String method, String address, String request) {
    String url = "https://" + address + "/" + method;
    assertNoConnection(Curl.plaintext(testbed, "client", request, url.replace("https", "http")));
    assertNoConnection(
        Curl.anonymous(
            testbed, "client", testbed.certificates("operator") + "/ca.crt", request, url));
    for (String certificate : List.of("expired", "stranger")) {
      assertNoConnection(Curl.withSchema(testbed, "client", hostile(certificate), request, url));
    }
    for (String certificate : List.of("nobody", "both")) {
      assertThat(Curl.withSchema(testbed, "client", hostile(certificate), request, url).run())
          .as(certificate)
          .returns(true, output -> output.err().contains("\"unauthenticated\""));
    }
  }

  @ParameterizedTest
  @MethodSource("calls")
  void refusesWhoHasAnotherRole(String method, String address, String request) {
    List<String> allowed =
        switch (address) {
          case COORDINATOR -> List.of("operator", "scheduler");
          case TRANSFER -> List.of("a.source-agent", "b.source-agent");
          default -> List.of("coordinator");
        };
    for (String caller :
        List.of("operator", "scheduler", "coordinator", "a.source-agent", "b.target-agent")) {
      Command.Output output =
          Curl.withSchema(
                  testbed,
                  "client",
                  testbed.certificates(caller),
                  request,
                  "https://" + address + "/" + method)
              .run();
      assertThat(output.err().contains("may not call"))
          .as("%s", output)
          .isEqualTo(!allowed.contains(caller));
    }
    if (request.equals(PREPARE_TARGET)) {
      // What was let through is there until it is aborted.
      Curl.withSchema(
              testbed,
              "client",
              testbed.certificates("coordinator"),
              ABORT_TARGET,
              "https://" + address + "/longshore.agent.v1.TargetAgentService/AbortTarget")
          .run()
          .expectSuccess();
    }
  }

  @Test
  void anAgentSpeaksForItsOwnNodeAndRoleOnly() {
    String url = "https://" + COORDINATOR + "/longshore.agent.v1.NodeRegistryService/Heartbeat";
    String lie =
        """
        {"node": "%s", "role": "%s", "endpoint": "10.77.0.20:1", "version": "x", "capabilities": {}}
        """;
    for (String request :
        List.of(lie.formatted("b", "AGENT_ROLE_SOURCE"), lie.formatted("a", "AGENT_ROLE_TARGET"))) {
      assertThat(
              Curl.withSchema(
                      testbed, "client", testbed.certificates("a.source-agent"), request, url)
                  .run()
                  .err())
          .contains("permission_denied", "cannot speak for");
    }
    assertThat(testbed.longshore().nodes().toString()).doesNotContain("10.77.0.20");
  }

  @Test
  void aDataStreamNeedsTheSecretEvenFromASourceAgent() {
    assertThat(
            Curl.withSchema(
                    testbed,
                    "client",
                    testbed.certificates("a.source-agent"),
                    OPEN,
                    "https://" + TRANSFER + "/longshore.transfer.v1.TransferService/SendImages")
                .run()
                .err())
        .contains("not_found");
  }

  @Test
  void certificatesAreRenewedWhileServicesRun() {
    String serial = shownSerial();
    testbed.shell(
        "client",
        "\"$1\" --days 7 --authority \"$2\" \"$3\" source-agent a 10.77.0.11",
        Checkout.path("deploy/certificate").toString(),
        testbed.certificates("authority"),
        testbed.certificates("a.source-agent"));

    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(shownSerial()).isNotEqualTo(serial));
    try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", "--size", "32m")) {
      testbed
          .longshore()
          .migrateSuccessfully(
              Longshore.Move.of("a", "b", workload.pid(), "--strategy", "post-copy"));
      workload.assertRightOn("b");
    }
  }

  private String shownSerial() {
    return testbed.shell(
        "client",
        "openssl s_client -connect \"$1\" </dev/null 2>/dev/null | openssl x509 -noout -serial",
        SOURCE);
  }

  private static void assertNoConnection(Command call) {
    Command.Output output = call.run();
    assertThat(output.status()).as("%s", output).isNotZero();
    // What buf makes of a connection that was cut depends on where it was just then.
    assertThat(output.err()).as("%s", output).containsPattern("\"(unavailable|canceled)\"");
  }

  /** A folder with a certificate that no service may take, made anew. */
  private String hostile(String kind) {
    String folder = testbed.certificates("hostile-" + kind);
    testbed.shell("client", MAKE, folder, testbed.certificates("authority"), kind);
    return folder;
  }

  private static final String MAKE =
      """
      set -e
      mkdir -p "$1"
      cd "$1"
      days=1 authority=$2 names=URI:longshore://operator/x
      case $3 in
        expired) days=-1 ;;
        nobody) names=DNS:x ;;
        both) names=$names,URI:longshore://coordinator/x ;;
        stranger)
          authority=.
          openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -subj /CN=stranger -keyout ca.key -out ca.crt
          ;;
      esac
      openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -subj /CN=x -keyout tls.key -out request
      echo "subjectAltName=$names" >extensions
      openssl x509 -req -in request -CA "$authority/ca.crt" -CAkey "$authority/ca.key" -days "$days" -extfile extensions -out tls.crt
      cp "$2/ca.crt" ca.crt
      """;
}
