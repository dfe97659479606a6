package io.longshore.criu.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.criu.CriuVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class CriuTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  static Stream<Criu> crius() {
    return Crius.both();
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aCheckTellsWhatTheKernelCanDo(Criu criu) throws Exception {
    CriuCheck check = CriuCheck.run(criu, PATIENCE);
    assertThat(check.works()).as("criu check: %s", check.complaints()).isTrue();
    assertThat(check.lazyRestore()).isTrue();
  }

  @Test
  void aProgramThatIsNotCriuIsRefused() {
    assertThatThrownBy(() -> Criu.probe(Path.of("/bin/echo"), PATIENCE))
        .isInstanceOf(IOException.class)
        .hasMessageMatching(
            "asked /bin/echo for its version: it exited with 0 and printed \"echo .*\"\\. Is it CRIU\\?");
    assertThatThrownBy(() -> Criu.probe(Path.of("/nonexistent/criu"), PATIENCE))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("/nonexistent/criu");
  }

  @Test
  void aProgramThatHangsIsKilled() {
    assertThatThrownBy(() -> ShortCommand.run(List.of("sleep", "1000"), Duration.ofMillis(100)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("did not end within PT0.1S and was killed");
  }

  @Test
  void versionsAreFoundAndOrdered() {
    assertThat(CriuVersion.find("Version: 4.2.1\nGitID: v4.2.1\n"))
        .contains(new CriuVersion(4, 2, 1));
    assertThat(CriuVersion.find("Warn  (criu/x.c:1): y\nVersion: 4.2\n"))
        .contains(new CriuVersion(4, 2, 0));
    assertThat(new CriuVersion(4, 10, 0)).isGreaterThan(new CriuVersion(4, 2, 1));
    assertThat(CriuVersion.find("Version: x")).isEmpty();
    assertThat(CriuVersion.find("GitID: 4.2")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"--compress", "--compress-block=4096", "--stream", "--x=\0"})
  void optionsThatChangeTheProtocolAreRefused(String option, @TempDir Path folder)
      throws Exception {
    Path images = Files.createDirectory(folder.resolve("images"));
    Path work = Files.createDirectory(folder.resolve("work"));
    assertThatThrownBy(() -> DumpOptions.of(7, images, work).withExtra(List.of(option)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new RestorePlace(List.of(), List.of(option), false))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> DumpOptions.of(7, images, images))
        .hasMessageContaining("must be two folders");
    assertThatThrownBy(() -> DumpOptions.of(1, images, work))
        .hasMessageContaining("cannot dump the process 1");
    assertThatThrownBy(() -> DumpOptions.of(7, folder.resolve("none"), work))
        .hasMessageContaining("there is no folder");
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aProcessThatIsNotThereIsReportedInCriusWords(Criu criu, @TempDir Path folder)
      throws Exception {
    Path images = Files.createDirectory(folder.resolve("images"));
    Path work = Files.createDirectory(folder.resolve("work"));
    CriuDump dump = CriuDump.start(criu, DumpOptions.of(4_194_304, images, work));
    assertThatThrownBy(() -> dump.awaitReady(PATIENCE))
        .isInstanceOfSatisfying(
            CriuFailure.class,
            failure -> {
              assertThat(failure).hasMessageContaining("4194304");
              assertThat(failure.exitStatus()).hasValue(1);
            });
  }

  @ParameterizedTest
  @MethodSource("crius")
  void anOptionThatCriuDoesNotKnowIsReported(Criu criu, @TempDir Path folder) throws Exception {
    Path images = Files.createDirectory(folder.resolve("images"));
    Path work = Files.createDirectory(folder.resolve("work"));
    CriuDump dump =
        CriuDump.start(
            criu, DumpOptions.of(4_194_304, images, work).withExtra(List.of("--nonsense")));
    assertThatThrownBy(() -> dump.awaitReady(PATIENCE))
        .isInstanceOfSatisfying(
            CriuFailure.class,
            failure ->
                assertThat(failure.logLines()).anyMatch(line -> line.contains("--nonsense")));
  }
}
