package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A running testbed. */
final class Testbed {
  /** The hosts between which workloads move. */
  static final List<String> NODES = List.of("a", "b");

  /** What CRIU is called when a test does not say otherwise, and what it can be told to do. */
  static final String CRIU = Checkout.path("deploy/acceptance/src/test/scripts/criu").toString();

  private static final Pattern CERTIFICATES =
      Pattern.compile("^certificates +(.*)$", Pattern.MULTILINE);

  private final Longshore longshore = new Longshore(this::calls);
  private final String certificates;
  private @Nullable CoordinatorCalls calls;

  private Testbed(String certificates) {
    this.certificates = certificates;
  }

  /**
   * Starts it afresh.
   *
   * @param options of deploy/testbed up
   */
  static Testbed up(List<String> options, String telemetryEndpoint) {
    // One canary tells whether a node works; more of them are for the speed of what comes next.
    List<String> words = new ArrayList<>(List.of(script(), "up", "--self-test", "1"));
    words.addAll(options);
    Command.of(words)
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", telemetryEndpoint)
        .with("OTEL_BSP_SCHEDULE_DELAY", "200")
        .run()
        .expectSuccess();
    Matcher line =
        CERTIFICATES.matcher(Command.of(List.of(script(), "status")).run().expectSuccess());
    assertThat(line.find()).as("'testbed status' names the certificates").isTrue();
    return new Testbed(line.group(1));
  }

  static void down() {
    Command.of(List.of(script(), "down")).run().expectSuccess();
  }

  /** What all services wrote. */
  static String logs() {
    return Command.of(List.of(script(), "logs")).run().out();
  }

  Longshore longshore() {
    return longshore;
  }

  /** Its coordinator, for what a command for each call would be too slow. */
  synchronized CoordinatorCalls calls() {
    CoordinatorCalls made = calls;
    if (made == null) {
      made = CoordinatorCalls.to(this);
      calls = made;
    }
    return made;
  }

  /** Ends what {@link #calls} started. */
  synchronized void forget() {
    if (calls != null) {
      calls.close();
      calls = null;
    }
  }

  /** The folder with the certificate of a service, of "operator" or of "scheduler". */
  String certificates(String whose) {
    return certificates + "/" + whose;
  }

  /** Its folder, the same inside and outside. */
  Path folder() {
    return Objects.requireNonNull(Path.of(certificates).getParent());
  }

  /** A folder on a disk that all hosts see and may write to; each testbed is given it. */
  static Path disk() {
    return Path.of(
        Objects.requireNonNull(
            System.getenv("LONGSHORE_TESTBED_DISK"),
            "LONGSHORE_TESTBED_DISK is not set: deploy/bench sets it"));
  }

  /** What its network namespaces, and on the machine its cgroups, are called after. */
  String name() {
    return folder().getFileName().toString().replace("longshore-testbed-", "longshore-");
  }

  /** The folder in /proc of a process of a host, as the machine sees it. */
  Path folderOfProcess(String host, int pid) {
    return rootOf(host).resolve("proc").resolve(Integer.toString(pid));
  }

  /** The root folder of a host, as the machine sees it. */
  private Path rootOf(String host) {
    return Path.of("/proc", init(host), "root");
  }

  /** The process 1 of a host, as the machine sees it. */
  String init(String host) {
    try {
      return Files.readString(folder().resolve("hosts").resolve(host).resolve("init")).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The log of a service. */
  Path log(String service) {
    return folder().resolve("logs").resolve(service + ".log");
  }

  /** A command on a host, not yet run. */
  Command on(String host, String... words) {
    List<String> all = new ArrayList<>(List.of(script(), "exec", host, "--"));
    all.addAll(List.of(words));
    return Command.of(all);
  }

  /** Runs a shell script on a host, which gets the arguments as $1 and so on. */
  String shell(String host, String script, String... arguments) {
    List<String> words = new ArrayList<>(List.of("sh", "-c", script, "-"));
    words.addAll(List.of(arguments));
    return on(host, words.toArray(String[]::new))
        .within(Duration.ofMinutes(2))
        .run()
        .expectSuccess();
  }

  boolean hasProcess(String host, int pid) {
    return on(host, "grep", "-q", "^State:.[^ZX]", "/proc/" + pid + "/status").run().status() == 0;
  }

  /** Whether an IPv4 address is assigned on a host. */
  boolean hasAddress(String host, String address) {
    JsonArray interfaces =
        JsonParser.parseString(shell(host, "ip -json -4 address show to \"$1\"", address))
            .getAsJsonArray();
    return interfaces.asList().stream().anyMatch(each -> each.getAsJsonObject().has("addr_info"));
  }

  /** The CRIU of a host does something else than it should until the test ends. See the script. */
  void setCriuFault(String host, String fault) {
    shell(host, "echo \"$1\" >/var/longshore-test-fault", fault);
  }

  void clearCriuFaults() {
    NODES.forEach(host -> shell(host, "rm -f /var/longshore-test-fault"));
  }

  /** SIGKILL to a service, such as a.source-agent, and a new one in its place. */
  void killAndStart(String service) {
    service("kill", service);
    service("start", service);
  }

  /** Ends or starts a service: start, stop, kill. */
  void service(String action, String service) {
    tryService(action, service).expectSuccess();
  }

  Command.Output tryService(String action, String service) {
    return Command.of(List.of(script(), "service", action, service))
        .within(Duration.ofMinutes(2))
        .run();
  }

  /** Fails if the doctor finds anything of a dead migration on a node. */
  void assertDoctorFindsNothing(String node) {
    // A node that tests itself has migrations that are not dead.
    calls().awaitNode(node);
    Command.Output found = on(node, Checkout.path("deploy/longshore").toString(), "doctor").run();
    assertThat(found.out()).isEqualTo("Nothing is left of dead migrations.\n");
    assertThat(found.status()).isZero();
  }

  private static String script() {
    return Checkout.path("deploy/testbed").toString();
  }
}
