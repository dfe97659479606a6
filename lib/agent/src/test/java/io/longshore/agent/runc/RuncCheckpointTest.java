package io.longshore.agent.runc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.longshore.criu.rpc.CriuOptionsOfRunc;
import io.longshore.criu.rpc.CriuRequest;
import io.longshore.criu.rpc.CriuRequest.Mount;
import io.longshore.criu.run.Criu;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a real runc asks CRIU for when it is to checkpoint a container that runs. */
class RuncCheckpointTest {
  private static Criu criu;

  @TempDir Path folder;
  private @Nullable TestContainer container;

  @BeforeAll
  static void findCriu() throws Exception {
    criu = TestContainer.criu();
  }

  @AfterEach
  void removeAll() throws Exception {
    if (container != null) {
      container.remove();
    }
  }

  @Test
  void theOptionsAreTakenAndTheContainerIsNotTouched() throws Exception {
    TestContainer running = start();
    int pid = running.pid();

    RuncCheckpoint checkpoint =
        RuncCheckpoint.ask(running.runc(), criu, folder.resolve("checkpoint"), running.id());

    CriuRequest request = checkpoint.request();
    assertThat(request.type()).isEqualTo(CriuRequest.Type.DUMP);
    assertThat(request.pid()).isEqualTo(pid);
    assertThat(request.root()).contains(running.bundle().resolve("rootfs").toString());
    assertThat(request.mounts())
        .contains(
            new Mount("/data", "/data"),
            new Mount("/dev/null", "/dev/null"),
            new Mount("/proc/keys", "/dev/null"),
            new Mount("/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory"));
    assertThat(JsonParser.parseString(checkpoint.descriptors()).getAsJsonArray()).hasSize(3);
    assertThat(running.counts()).isTrue();
    RuncContainer after = running.runc().state(running.id()).orElseThrow();
    assertThat(after.status()).isEqualTo(RuncContainer.Status.RUNNING);
    assertThat(after.pid()).isEqualTo(pid);
    assertThat(running.runc().stateFolder(running.id()))
        .isDirectoryNotContaining(file -> file.endsWith("checkpoint"));
    assertThat(Files.readAllLines(Path.of("/proc/" + pid + "/status"))).contains("TracerPid:\t0");
  }

  @Test
  void aNetworkNamespaceThatIsJoinedIsNamed() throws Exception {
    Process holder =
        new ProcessBuilder("unshare", "--net", "--", "sh", "-c", "echo ready; exec sleep 600")
            .start();
    try {
      assertThat(holder.inputReader().readLine()).isEqualTo("ready");
      Path network = Path.of("/proc/" + holder.pid() + "/ns/net");
      TestContainer made = TestContainer.make(folder, config -> join(config, network));
      container = made;
      made.run();

      RuncCheckpoint checkpoint =
          RuncCheckpoint.ask(made.runc(), criu, folder.resolve("checkpoint"), made.id());

      String link = Files.readSymbolicLink(network).toString();
      String named = link.replace("net:[", "net[") + ":extRootNetNS";
      assertThat(checkpoint.request().external()).containsExactly(named);
      assertThat(CriuOptionsOfRunc.dump(checkpoint.request(), OptionalLong.empty()))
          .containsSequence("--external", named)
          .doesNotContain("--empty-ns");
    } finally {
      holder.destroyForcibly();
    }
  }

  @Test
  void aContainerThatIsNotThereIsRefusedInRuncsWords() throws Exception {
    TestContainer made = TestContainer.make(folder, config -> {});

    assertThatThrownBy(
            () -> RuncCheckpoint.ask(made.runc(), criu, folder.resolve("checkpoint"), "nobody"))
        .isInstanceOfSatisfying(
            LongshoreException.class,
            failure -> assertThat(failure.reason()).isEqualTo(Reason.RUNTIME_FAILED))
        .hasMessageContaining("does not exist");
  }

  @Test
  void aCriuThatIsNoneIsRefused() throws Exception {
    TestContainer running = start();
    Criu none = new Criu(Path.of("/nonsense"), criu.version());

    assertThatThrownBy(
            () ->
                RuncCheckpoint.ask(
                    running.runc(), none, folder.resolve("checkpoint"), running.id()))
        .isInstanceOfSatisfying(
            LongshoreException.class,
            failure -> assertThat(failure.reason()).isEqualTo(Reason.RUNTIME_FAILED));
    assertThat(running.counts()).isTrue();
  }

  @Test
  void runcIsAskedAboutItsContainers() throws Exception {
    TestContainer running = start();
    Runc runc = running.runc();

    assertThat(runc.version()).startsWith("1.");
    assertThat(runc.list()).extracting(RuncContainer::id).containsExactly(running.id());
    assertThat(runc.state("nobody")).isEmpty();
    assertThat(runc.exec(running.id(), List.of("/bin/cat", "/data/count"))).isNotBlank();
    runc.pause(running.id());
    assertThat(runc.state(running.id()).orElseThrow().status())
        .isEqualTo(RuncContainer.Status.PAUSED);
    assertThatThrownBy(() -> runc.exec(running.id(), List.of("/bin/ls")))
        .hasMessageContaining("cannot exec in a paused container");
    runc.resume(running.id());
    assertThatThrownBy(() -> runc.delete(running.id()))
        .isInstanceOfSatisfying(
            LongshoreException.class,
            failure -> assertThat(failure.reason()).isEqualTo(Reason.RUNTIME_FAILED))
        .hasMessageContaining("is not stopped");
    assertThatThrownBy(() -> runc.state("--help"))
        .isInstanceOfSatisfying(
            LongshoreException.class,
            failure -> assertThat(failure.reason()).isEqualTo(Reason.INVALID_ARGUMENT));
  }

  @Test
  void aRuncThatIsNotThereIsMissing() {
    Runc runc = new Runc(Path.of("/nonsense/runc"), folder);

    assertThatThrownBy(runc::list)
        .isInstanceOfSatisfying(
            LongshoreException.class,
            failure -> assertThat(failure.reason()).isEqualTo(Reason.RUNTIME_MISSING));
  }

  private TestContainer start() throws Exception {
    TestContainer made = TestContainer.make(folder, config -> {});
    container = made;
    made.run();
    return made;
  }

  private static void join(JsonObject config, Path network) {
    JsonArray namespaces = config.getAsJsonObject("linux").getAsJsonArray("namespaces");
    namespaces.forEach(
        each -> {
          JsonObject namespace = each.getAsJsonObject();
          if (namespace.get("type").getAsString().equals("network")) {
            namespace.addProperty("path", network.toString());
          }
        });
  }
}
