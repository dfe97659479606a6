package io.longshore.platform.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.platform.value.ByteSize;
import io.longshore.platform.value.HostPort;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Over the defaults in src/test/resources/reference.conf. */
final class ConfigurationTest {
  enum Mode {
    FAST,
    VERY_CAREFUL
  }

  record Limits(ByteSize memory, int streams, List<Integer> ports) {
    Limits {
      if (streams < 1) {
        throw new IllegalArgumentException("streams must be at least 1, found " + streams);
      }
    }
  }

  record Example(
      HostPort listen,
      Duration heartbeatTimeout,
      Path stateFolder,
      boolean audit,
      double share,
      long seed,
      String note,
      Mode mode,
      List<HostPort> peers,
      Optional<Path> journal,
      Limits limits) {}

  @TempDir private Path folder;

  @Test
  void takesTheDefaultsWithoutAFile() {
    assertThat(Configuration.load("example", Optional.empty(), Example.class))
        .isEqualTo(
            new Example(
                new HostPort("127.0.0.1", 7700),
                Duration.ofSeconds(5),
                Path.of("/var/lib/example"),
                true,
                0.5,
                7,
                "none",
                Mode.FAST,
                List.of(),
                Optional.empty(),
                new Limits(ByteSize.ofMebibytes(64), 4, List.of(1, 2))));
  }

  @Test
  void letsTheFileOverrideSingleKeysAtEveryDepth() throws IOException {
    Example loaded =
        load(
            """
            example {
              mode = very-careful
              peers = ["a:1", "[::1]:2"]
              journal = /j
              limits.memory = 1GiB
            }
            """);

    assertThat(loaded.mode()).isEqualTo(Mode.VERY_CAREFUL);
    assertThat(loaded.peers()).containsExactly(new HostPort("a", 1), new HostPort("::1", 2));
    assertThat(loaded.journal()).contains(Path.of("/j"));
    assertThat(loaded.limits().memory()).isEqualTo(ByteSize.ofMebibytes(1024));
    assertThat(loaded.limits().streams()).isEqualTo(4);
    assertThat(loaded.note()).isEqualTo("none");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "example.lisen = \"a:1\"             | unknown key 'example.lisen'",
        "example.limits.stream = 1           | unknown key 'example.limits.stream'",
        "exampel.note = x                    | unknown key 'exampel'",
        "example.listen = nowhere            | invalid value for 'example.listen': expected host:port, found 'nowhere'",
        "example.limits.memory = 3 potatoes  | invalid value for 'example.limits.memory'",
        "example.mode = slow                 | expected one of fast, very-careful, found 'slow'",
        "example.limits.streams = 0          | invalid section 'example.limits': streams must be at least 1",
        "example.limits.streams = many       | streams",
        "example.heartbeat-timeout = soon    | heartbeat-timeout",
        "example.peers = [\"a\"]             | invalid value for 'example.peers'",
        "example.note = null                 | missing key 'example.note'",
        "example { note =                    | Expecting",
        "example.note = ${NOT_SET_ANYWHERE}  | NOT_SET_ANYWHERE",
      })
  void saysInOneLineWhatIsWrongAndWhere(String text, String message) {
    assertThatThrownBy(() -> load(text))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(message)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
  }

  @Test
  void namesFileAndLineOfAnUnknownKey() {
    assertThatThrownBy(() -> load("example {\n  note = x\n  typo = 1\n}"))
        .hasMessageContaining("example.conf: 3")
        .hasMessageContaining("known here: audit, heartbeat-timeout");
  }

  @Test
  void namesAFileThatIsNotThere() {
    Path missing = folder.resolve("missing.conf");

    assertThatThrownBy(() -> Configuration.load("example", Optional.of(missing), Example.class))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(missing.toString());
  }

  @Test
  void namesAKeyThatNobodySet() {
    record Other(String note, String missing) {}
    assertThatThrownBy(() -> Configuration.load("other", Optional.empty(), Other.class))
        .hasMessage("missing key 'other.missing'");
  }

  private Example load(String text) throws IOException {
    Path file = folder.resolve("example.conf");
    Files.writeString(file, text);
    return Configuration.load("example", Optional.of(file), Example.class);
  }
}
