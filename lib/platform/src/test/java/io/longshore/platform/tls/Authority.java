package io.longshore.platform.tls;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Signs certificates of every kind, good and bad, with openssl. */
public final class Authority {
  private final Path folder;

  private Authority(Path folder) {
    this.folder = folder;
  }

  /** A new one that keeps its key below a folder. */
  public static Authority in(Path parent, String name) {
    Authority authority = new Authority(directory(parent.resolve(name)));
    authority.openssl(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-noenc",
        "-subj",
        "/CN=" + name,
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt");
    return authority;
  }

  /** A certificate of a role for a service or a caller on this machine. */
  public Path issue(Role role, String name) {
    return issue("certificate-" + role + "-" + name, 1, uri(role, name));
  }

  /** One that was valid until yesterday. */
  public Path issueExpired(Role role, String name) {
    return issue("expired-" + role + "-" + name, -1, uri(role, name));
  }

  /**
   * Any other.
   *
   * @param names subject's alternative names, as openssl writes them
   * @return the folder with the files of {@link Certificates}
   */
  public Path issue(String label, int days, String... names) {
    Path into = directory(folder.resolve(label));
    try {
      Files.writeString(
          into.resolve("extensions"),
          "extendedKeyUsage=clientAuth,serverAuth\n"
              + (names.length == 0 ? "" : "subjectAltName=" + String.join(",", names) + "\n"));
      openssl(
          "req",
          "-new",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:prime256v1",
          "-noenc",
          "-subj",
          "/CN=" + label,
          "-keyout",
          into + "/tls.key",
          "-out",
          into + "/request");
      openssl(
          "x509",
          "-req",
          "-in",
          into + "/request",
          "-CA",
          "ca.crt",
          "-CAkey",
          "ca.key",
          "-days",
          String.valueOf(days),
          "-extfile",
          into + "/extensions",
          "-out",
          into + "/tls.crt");
      Files.copy(
          folder.resolve("ca.crt"), into.resolve("ca.crt"), StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return into;
  }

  /** The subject's alternative names of a role's certificate, for this machine. */
  public static String[] uri(Role role, String name) {
    return new String[] {"URI:longshore://" + role + "/" + name, "IP:127.0.0.1", "DNS:localhost"};
  }

  /** What trusts it. */
  public Path certificate() {
    return folder.resolve("ca.crt");
  }

  private void openssl(String... arguments) {
    List<String> command = new ArrayList<>(List.of("openssl"));
    command.addAll(Arrays.asList(arguments));
    try {
      Process process =
          new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new AssertionError(String.join(" ", command) + ": " + output);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("is openssl missing? run deploy/setup", e);
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }

  private static Path directory(Path path) {
    try {
      return Files.createDirectories(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
