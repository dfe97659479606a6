package io.longshore.linux.network;

import java.io.File;
import java.io.IOException;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/**
 * Two network namespaces joined by a cable: a host with a service address, and a client.
 *
 * <p>A thread cannot enter a network namespace for the JVM, so what a test does in the host is a
 * {@link Scenario}, which runs in a JVM of its own there.
 */
final class TestNetwork implements AutoCloseable {
  static final String HOST = "10.77.0.1/24";
  static final String CLIENT = "10.77.0.2/24";
  static final ServiceAddress SERVICE = ServiceAddress.parse("10.77.0.100/24");
  static final String INTERFACE = "eth0";

  private static final int LIMIT_SECONDS = 60;

  private final String host;
  private final String client;

  private TestNetwork(String host, String client) {
    this.host = host;
    this.client = client;
  }

  /** What a test does in the host. */
  @FunctionalInterface
  interface Scenario {
    void run(TestNetwork network) throws Exception;
  }

  static TestNetwork create() throws IOException {
    String id = UUID.randomUUID().toString().substring(0, 8);
    TestNetwork network = new TestNetwork("lsh-" + id, "lsc-" + id);
    try {
      ip("netns", "add", network.host);
      ip("netns", "add", network.client);
      ip(
          "link",
          "add",
          INTERFACE,
          "netns",
          network.host,
          "type",
          "veth",
          "peer",
          "name",
          INTERFACE,
          "netns",
          network.client);
      network.setUp(network.host, HOST);
      network.setUp(network.client, CLIENT);
      return network;
    } catch (IOException e) {
      network.close();
      throw e;
    }
  }

  private void setUp(String namespace, String address) throws IOException {
    ip("-n", namespace, "link", "set", "lo", "up");
    ip("-n", namespace, "address", "add", address, "dev", INTERFACE);
    ip("-n", namespace, "link", "set", INTERFACE, "up");
  }

  private static String ip(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments));
    return Program.run(command, "");
  }

  /** Hardware address of {@link #INTERFACE} in this namespace; /sys shows that of another one. */
  static String hardwareAddress() throws IOException {
    NetworkInterface found = NetworkInterface.getByName(INTERFACE);
    return HexFormat.ofDelimiter(":").formatHex(found.getHardwareAddress());
  }

  /** Runs ip(8) in the client's namespace. */
  String ipInClient(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("-n", client));
    command.addAll(List.of(arguments));
    return ip(command.toArray(String[]::new));
  }

  /** Starts a script in the client's namespace; it ends with its standard input. */
  Process startInClient(String script) throws IOException {
    return new ProcessBuilder("nsenter", "--net=/run/netns/" + client, "bash", "-c", script)
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /** Runs a scenario in the host's namespace and fails with what it printed. */
  void inHost(Class<? extends Scenario> scenario) throws Exception {
    List<String> command = new ArrayList<>(List.of("nsenter", "--net=/run/netns/" + host));
    command.addAll(
        List.of(
            System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
            "--enable-native-access=ALL-UNNAMED",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            TestNetwork.class.getName(),
            scenario.getName(),
            host,
            client));
    // To a file: processes that it leaves behind must not keep the test waiting for the end of a
    // pipe.
    Path output = Files.createTempFile("longshore", "scenario");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      boolean ended = process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS);
      String text = Files.readString(output);
      System.out.println(text);
      if (!ended || process.exitValue() != 0) {
        throw new AssertionError(
            "%s %s:%n%s"
                .formatted(
                    scenario.getSimpleName(), ended ? "failed" : "did not end in time", text));
      }
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly().waitFor();
      Files.delete(output);
    }
  }

  public static void main(String[] arguments) throws Exception {
    var constructor = Class.forName(arguments[0]).getDeclaredConstructor();
    constructor.setAccessible(true);
    Scenario scenario = (Scenario) constructor.newInstance();
    scenario.run(new TestNetwork(arguments[1], arguments[2]));
    System.exit(0);
  }

  @Override
  public void close() throws IOException {
    for (String namespace : List.of(host, client)) {
      if (new File("/run/netns/" + namespace).exists()) {
        ip("netns", "delete", namespace);
      }
    }
  }
}
