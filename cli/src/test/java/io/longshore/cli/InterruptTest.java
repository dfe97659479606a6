package io.longshore.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.v1.Migration.State;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** In a JVM of its own, for it is the process that is interrupted. */
@Timeout(60)
final class InterruptTest {
  @Test
  void saysThatTheMigrationGoesOnAndHowToCancelIt() throws Exception {
    try (FakeCoordinator coordinator = new FakeCoordinator().start()) {
      coordinator.migration = Samples.in(State.STATE_PUSHING);
      Process command =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--enable-native-access=ALL-UNNAMED",
                  "--sun-misc-unsafe-memory-access=allow",
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Main.class.getName(),
                  "migrate",
                  "--from",
                  "a",
                  "--to",
                  "b",
                  "--pid",
                  "1",
                  "--plaintext-on-loopback",
                  "--coordinator",
                  coordinator.address().toString())
              .start();
      try {
        coordinator.watched.await();
        // Until the command has shown the snapshot, it may not know of the migration.
        var err = command.errorReader(UTF_8);
        assertThat(err.readLine()).startsWith("Migration m-1");
        assertThat(err.readLine()).isEqualTo("pushing");

        int status =
            new ProcessBuilder("kill", "-INT", Long.toString(command.pid())).start().waitFor();

        assertThat(status).isZero();
        assertThat(command.waitFor()).isEqualTo(130);
        assertThat(err.lines())
            .containsExactly(
                "",
                "Migration m-1 goes on.",
                "  follow it:  longshore watch m-1",
                "  cancel it:  longshore cancel m-1");
        assertThat(command.inputReader(UTF_8).lines()).isEmpty();
      } finally {
        command.destroyForcibly();
      }
    }
  }
}
