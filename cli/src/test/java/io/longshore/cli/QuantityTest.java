package io.longshore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class QuantityTest {
  @ParameterizedTest
  @CsvSource({"0, 0 B", "1023, 1023 B", "1024, 1.0 KiB", "1610612736, 1.5 GiB"})
  void writesBytes(long bytes, String text) {
    assertThat(Quantity.bytes(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({"0, 0 ms", "999, 999 ms", "2410, 2.41 s", "59999, 60.00 s", "200000, 3 min 20 s"})
  void writesDurations(long milliseconds, String text) {
    assertThat(Quantity.milliseconds(milliseconds)).isEqualTo(text);
  }
}
