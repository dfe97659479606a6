package io.longshore.agent.runc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.agent.runc.Bundle.Mount;
import io.longshore.agent.runc.Bundle.Namespace;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BundleTest {
  @TempDir Path folder;

  @Test
  void whatMattersForMovingItIsRead() throws Exception {
    Files.writeString(
        folder.resolve("config.json"),
        """
        {"ociVersion": "1.0.2",
         "process": {"terminal": true, "args": ["sh"]},
         "root": {"path": "rootfs", "readonly": true},
         "mounts": [
           {"destination": "/proc", "type": "proc", "source": "proc"},
           {"destination": "/data", "source": "/srv/data", "options": ["rbind", "ro"]}],
         "hooks": {"prestart": [{"path": "/bin/a"}, {"path": "/bin/b"}], "poststop": []},
         "linux": {
           "cgroupsPath": "/web/1",
           "namespaces": [{"type": "pid"}, {"type": "network", "path": "/run/netns/web"}]}}
        """);

    assertThat(Bundle.read(folder))
        .isEqualTo(
            new Bundle(
                folder,
                folder.resolve("rootfs"),
                true,
                true,
                List.of(
                    new Mount("/proc", "proc", "proc", List.of()),
                    new Mount("/data", "/srv/data", "", List.of("rbind", "ro"))),
                Map.of(
                    "pid", new Namespace(Optional.empty()),
                    "network", new Namespace(Optional.of(Path.of("/run/netns/web")))),
                Optional.of("/web/1"),
                Map.of("prestart", 2)));
    assertThat(Bundle.read(folder).mounts()).extracting(Mount::isBind).containsExactly(false, true);
  }

  @Test
  void littleIsEnough() throws Exception {
    Files.writeString(folder.resolve("config.json"), "{\"root\": {\"path\": \"/srv/web\"}}");

    assertThat(Bundle.read(folder))
        .isEqualTo(
            new Bundle(
                folder,
                Path.of("/srv/web"),
                false,
                false,
                List.of(),
                Map.of(),
                Optional.empty(),
                Map.of()));
  }

  @Test
  void theConfigurationOfRuncItselfIsUnderstood() throws Exception {
    TestContainer container = TestContainer.make(folder.resolve("container"), config -> {});

    Bundle bundle = Bundle.read(container.bundle());

    assertThat(bundle.root()).isEqualTo(container.bundle().resolve("rootfs"));
    assertThat(bundle.terminal()).isFalse();
    assertThat(bundle.namespaces()).containsKeys("pid", "network", "mount", "ipc", "uts");
    assertThat(bundle.mounts()).filteredOn(Mount::isBind).hasSize(1);
    assertThat(bundle.cgroupsPath()).contains("/longshore-test/" + container.id());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[",
        "[]",
        "7",
        "{}",
        "{\"root\": []}",
        "{\"root\": {}}",
        "{\"root\": {\"path\": []}}",
        "{\"root\": {\"path\": \"/\"}, \"mounts\": {}}",
        "{\"root\": {\"path\": \"/\"}, \"mounts\": [7]}",
        "{\"root\": {\"path\": \"/\"}, \"mounts\": [{}]}",
        "{\"root\": {\"path\": \"/\"}, \"linux\": {\"namespaces\": [{}]}}",
        "{\"root\": {\"path\": \"\\u0000\"}}"
      })
  void whatCannotBeUnderstoodIsRefused(String text) throws Exception {
    Files.writeString(folder.resolve("config.json"), text);

    assertThatThrownBy(() -> Bundle.read(folder))
        .isInstanceOfSatisfying(
            LongshoreException.class,
            failure -> assertThat(failure.reason()).isEqualTo(Reason.RUNTIME_INCOMPATIBLE))
        .hasMessageContaining("config.json");
  }

  @ParameterizedTest
  @ValueSource(ints = {300, 100_000})
  void nothingIsNestedTooDeep(int depth) throws Exception {
    Files.writeString(folder.resolve("config.json"), "[".repeat(depth) + "]".repeat(depth));

    assertThatThrownBy(() -> Bundle.read(folder)).isInstanceOf(LongshoreException.class);
  }

  @Test
  void noBundleAtAllIsRefused() {
    assertThatThrownBy(() -> Bundle.read(folder.resolve("nowhere")))
        .isInstanceOf(LongshoreException.class)
        .hasMessageContaining("nowhere/config.json");
  }
}
