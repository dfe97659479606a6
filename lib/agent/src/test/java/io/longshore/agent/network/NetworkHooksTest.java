package io.longshore.agent.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.longshore.agent.network.NetworkHookFacts.Side;
import io.longshore.linux.network.ContainerNetwork;
import io.longshore.linux.network.NetworkDevice;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With real programs. */
@Timeout(60)
final class NetworkHooksTest {
  private static final NetworkHookFacts FACTS =
      new NetworkHookFacts(
          Side.SOURCE,
          "m-1",
          "web-1",
          "runc",
          77,
          "/proc/77/ns/net",
          Optional.of(
              new ContainerNetwork(
                  List.of(new NetworkDevice("lo", "", 65_536, true, "", List.of())),
                  List.of(),
                  new TreeMap<>())),
          Map.of("network", "blue"));

  @TempDir Path folder;
  private Path scratch;
  private NetworkHooks hooks;

  @BeforeEach
  void makeFolders() throws IOException {
    Path programs = Files.createDirectory(folder.resolve("hooks"));
    scratch = Files.createDirectory(folder.resolve("scratch"));
    hooks = new NetworkHooks(programs, Duration.ofSeconds(2));
  }

  @Test
  void aHookGetsItsStepAndTheFactsAndNothingElse() throws Exception {
    Path seen = folder.resolve("seen");
    hook("blue", "{ echo \"$#:$1\"; env; cat; } >" + seen);
    assertThat(hooks.problem("blue")).isEmpty();
    assertThat(hooks.run("blue", NetworkHookStep.PREPARE, FACTS, scratch)).isEmpty();
    String text = Files.readString(seen);
    assertThat(text).startsWith("1:prepare\n").doesNotContain("HOME=", "JAVA");
    JsonObject json = JsonParser.parseString(text.substring(text.indexOf("\n{"))).getAsJsonObject();
    assertThat(json.get("version").getAsInt()).isEqualTo(1);
    assertThat(json.get("step").getAsString()).isEqualTo("prepare");
    assertThat(json.get("side").getAsString()).isEqualTo("source");
    assertThat(json.get("container").getAsString()).isEqualTo("web-1");
    assertThat(json.get("namespace").getAsString()).isEqualTo("/proc/77/ns/net");
    assertThat(json.getAsJsonObject("options").get("network").getAsString()).isEqualTo("blue");
    assertThat(
            json.getAsJsonObject("network")
                .getAsJsonArray("devices")
                .get(0)
                .getAsJsonObject()
                .get("name")
                .getAsString())
        .isEqualTo("lo");
    assertThat(scratch).isEmptyDirectory();
  }

  @Test
  void aFailureBeforeTheStepIsThrownWithItsWords() throws Exception {
    hook("blue", "echo 'looking'; echo 'no such VLAN: 12' >&2; exit 3");
    for (NetworkHookStep step : List.of(NetworkHookStep.PREPARE, NetworkHookStep.FREEZE)) {
      assertThatThrownBy(() -> hooks.run("blue", step, FACTS, scratch))
          .isInstanceOfSatisfying(
              LongshoreException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.NETWORK_HOOK_FAILED))
          .hasMessageContaining("ended with 3: looking; no such VLAN: 12");
    }
    assertThat(scratch).isEmptyDirectory();
  }

  @Test
  void aFailureAfterTheStepIsTold() throws Exception {
    hook("blue", "echo 'no route' >&2; exit 1");
    for (NetworkHookStep step :
        List.of(NetworkHookStep.RESUME, NetworkHookStep.ROLLBACK, NetworkHookStep.RELEASE)) {
      assertThat(hooks.run("blue", step, FACTS, scratch))
          .map(Problem::message)
          .hasValueSatisfying(
              message -> assertThat(message).contains(step.word(), "ended with 1: no route"));
    }
  }

  @Test
  void oneThatTakesTooLongIsEndedWithWhatItStarted() throws Exception {
    Path child = folder.resolve("child");
    hook("blue", "sleep 300 & echo $! >" + child + "; echo waiting; wait");
    assertThatThrownBy(() -> hooks.run("blue", NetworkHookStep.FREEZE, FACTS, scratch))
        .hasMessageContaining("did not end within PT2S and was ended: waiting");
    long pid = Long.parseLong(Files.readString(child).strip());
    await().until(() -> ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isEmpty());
    assertThat(scratch).isEmptyDirectory();
  }

  @Test
  void oneThatLeavesAProcessBehindOrReadsNothingDoesNotKeepTheMigration() throws Exception {
    hook("blue", "sleep 20 & exit 0");
    long start = System.nanoTime();
    assertThat(hooks.run("blue", NetworkHookStep.PREPARE, FACTS, scratch)).isEmpty();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(2));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "../blue", "/bin/true", "..", ".hidden", "a/b", "a b", "-x"})
  void namesThatAreNoFilesOfTheFolderAreRefused(String name) {
    assertThat(hooks.problem(name)).map(Problem::reason).hasValue(Reason.NETWORK_NOT_AVAILABLE);
    assertThatThrownBy(() -> hooks.run(name, NetworkHookStep.PREPARE, FACTS, scratch))
        .isInstanceOf(LongshoreException.class)
        .hasMessageContaining("expected the name of a network hook");
  }

  @Test
  void saysWhyAHookCannotBeRun() throws Exception {
    assertThat(message("blue")).contains("there is no such file");
    Path program = hook("blue", "exit 0");
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rw-r--r--"));
    assertThat(message("blue")).contains("not executable");
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxrwxr-x"));
    assertThat(message("blue")).contains("written by others");
  }

  private String message(String hook) {
    return hooks.problem(hook).orElseThrow().message();
  }

  private Path hook(String name, String script) throws IOException {
    Path program = folder.resolve("hooks").resolve(name);
    Files.writeString(program, "#!/bin/sh\n" + script + "\n");
    return Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
