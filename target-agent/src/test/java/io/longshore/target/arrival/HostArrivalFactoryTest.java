package io.longshore.target.arrival;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.agent.host.Host;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.criu.CriuVersion;
import io.longshore.criu.run.Criu;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.runtime.PlainProcesses;
import io.longshore.target.runtime.TargetRuntimes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is left when a migration cannot be prepared: nothing. */
final class HostArrivalFactoryTest {
  private static final WorkloadFacts FACTS =
      new WorkloadFacts("sleep", List.of(), List.of(), List.of(), 4096, 0, List.of());

  @TempDir Path parent;

  private Path work;
  private HostArrivalFactory factory;

  @BeforeEach
  void mount() throws Exception {
    work = Files.createDirectory(parent.resolve("work"));
    run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", work.toString());
    Criu criu = new Criu(Path.of("/none"), new CriuVersion(4, 2, 1));
    factory =
        new HostArrivalFactory(
            new Host(Optional.of(criu), true),
            new TargetRuntimes(List.of(new PlainProcesses())),
            work);
  }

  @AfterEach
  void unmount() throws Exception {
    run("umount", "--lazy", work.toString());
  }

  @Test
  void aFullDiskRefusesAndLeavesNothing() throws Exception {
    Path filling = work.resolve("filling");
    assertThatThrownBy(() -> Files.write(filling, new byte[128 << 10]))
        .isInstanceOf(IOException.class);
    assertRefused();
    // Room for the record, and none for the secret.
    Files.write(filling, new byte[60 << 10]);
    assertRefused();
    Files.delete(filling);
    assertThat(create().phase()).isEqualTo(Phase.PREPARED);
  }

  private void assertRefused() throws IOException {
    assertThatThrownBy(this::create)
        .isInstanceOfSatisfying(
            LongshoreException.class,
            e -> {
              assertThat(e.reason()).isEqualTo(Reason.JOURNAL_FAILED);
              assertThat(e).hasMessageContaining("No space left on device");
            });
    try (Stream<Path> files = Files.list(work)) {
      assertThat(files).containsExactly(work.resolve("filling"));
    }
  }

  private Arrival create() {
    return factory.create(new MigrationRef("m-1", 1), FACTS, 0);
  }

  private static void run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
  }
}
