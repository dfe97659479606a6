package io.longshore.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class BandwidthTest {
  @ParameterizedTest
  @CsvSource({
    "200mbit, 25000000",
    "25MB, 25000000",
    "1gbit, 125000000",
    "0.5GB, 500000000",
    "1.5kbit, 188",
    "7bit, 1",
    "none, 0"
  })
  void readsARate(String text, long bytesPerSecond) {
    assertThat(Bandwidth.parse(text)).isEqualTo(bytesPerSecond);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "200", "fast", "-1mbit", "1 mbit", "1mbit/s", "1e3bit", "1xbit"})
  void refusesWhatIsNone(String text) {
    assertThatThrownBy(() -> Bandwidth.parse(text))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("200mbit");
  }
}
