package io.longshore.target.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.agent.runc.Runc;
import io.longshore.agent.workload.ContainerFacts;
import io.longshore.agent.workload.ContainerFacts.Mount;
import io.longshore.agent.workload.ContainerPolicy;
import io.longshore.agent.workload.ContainerPolicy.MountTreatment;
import io.longshore.agent.workload.ContainerPolicy.TcpConnections;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a real runc and a bundle on this host say of a container that would come. */
class RuncContainersTest {
  @TempDir Path folder;
  private Path bundle;
  private Path volume;
  private RuncContainers runtime;

  @BeforeEach
  void makeBundle() throws Exception {
    Path program =
        Runc.find().orElseThrow(() -> new AssertionError("no runc: run deploy/setup")).program();
    runtime = new RuncContainers(new Runc(program, folder.resolve("runc")), Optional::empty);
    bundle = Files.createDirectories(folder.resolve("bundle"));
    volume = Files.createDirectories(folder.resolve("volume"));
    Files.createDirectories(bundle.resolve("rootfs/etc"));
    Files.writeString(
        bundle.resolve("config.json"),
        """
        {"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "linux": {"namespaces": [{"type": "pid"}]},
         "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                    {"destination": "/data", "type": "bind", "source": "%s", "options": ["rbind"]}]}
        """
            .formatted(volume));
  }

  @Test
  void oneWhoseBundleIsHereMayCome() {
    assertThat(reasons(ContainerPolicy.NONE)).isEmpty();
  }

  @Test
  void whatIsMissingHereIsNamed() throws Exception {
    Files.delete(volume);
    assertThat(runtime.check(facts(ContainerPolicy.NONE)))
        .singleElement()
        .satisfies(
            problem -> {
              assertThat(problem.reason()).isEqualTo(Reason.MOUNT_MISSING);
              assertThat(problem.message()).contains(volume.toString(), "/data");
            });
    Files.delete(bundle.resolve("rootfs/etc"));
    Files.delete(bundle.resolve("rootfs"));
    assertThat(reasons(ContainerPolicy.NONE))
        .containsExactly(Reason.MOUNT_MISSING, Reason.MOUNT_MISSING);
    assertThat(reasons(policy("/none", "", Map.of()))).containsExactly(Reason.MOUNT_MISSING);
  }

  @Test
  void aBundleOfAnotherContainerIsRefused() throws Exception {
    Path config = bundle.resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("/data", "/elsewhere"));
    assertThat(reasons(ContainerPolicy.NONE)).containsExactly(Reason.FILE_DIFFERENT);
    Files.writeString(config, "{");
    assertThat(reasons(ContainerPolicy.NONE)).containsExactly(Reason.RUNTIME_INCOMPATIBLE);
  }

  @Test
  void whatCannotBeDoneIsRefusedAndNotLeftOut() {
    assertThat(reasons(policy("", "", Map.of("/data", MountTreatment.SYNC))))
        .containsExactly(Reason.RUNTIME_INCOMPATIBLE);
    assertThat(reasons(policy("", "/elsewhere", Map.of())))
        .containsExactly(Reason.RUNTIME_INCOMPATIBLE);
    assertThat(reasons(policy("", "", Map.of("/data", MountTreatment.SHARED)))).isEmpty();
  }

  @Test
  void filesAreWhereTheBundleHasThem() {
    WorkloadFacts facts = facts(ContainerPolicy.NONE);
    assertThat(runtime.locate(facts, "/etc/passwd")).contains(bundle.resolve("rootfs/etc/passwd"));
    assertThat(runtime.locate(facts, "/data/x/y")).contains(volume.resolve("x/y"));
    assertThat(runtime.locate(facts, "/data")).contains(volume);
    assertThat(runtime.locate(facts, "/proc/version")).as("in memory").isEmpty();
    assertThat(
            runtime.locate(facts(policy("", "", Map.of("/data", MountTreatment.SKIP))), "/data/x"))
        .isEmpty();
  }

  private List<Reason> reasons(ContainerPolicy policy) {
    return runtime.check(facts(policy)).stream().map(Problem::reason).toList();
  }

  private static ContainerPolicy policy(
      String bundle, String parent, Map<String, MountTreatment> mounts) {
    return new ContainerPolicy(bundle, "", parent, mounts, TcpConnections.KEEP);
  }

  private WorkloadFacts facts(ContainerPolicy policy) {
    ContainerFacts container =
        new ContainerFacts(
            "runc",
            "1.1.5",
            "web-1",
            bundle.toString(),
            "{}",
            List.of(),
            List.of(new Mount("/proc", "proc", "proc"), new Mount("/data", "/v", "bind")),
            List.of(),
            "/web-1",
            policy);
    return new WorkloadFacts("sh", List.of(), List.of(), List.of(), 0, 0, List.of(), container);
  }
}
