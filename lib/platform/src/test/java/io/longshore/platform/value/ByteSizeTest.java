package io.longshore.platform.value;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ByteSizeTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "4096, 4096",
    "512B, 512",
    "64KiB, 65536",
    "1 MiB, 1048576",
    "2GiB, 2147483648",
    "1TiB, 1099511627776"
  })
  void readsNumbersWithBinaryUnits(String text, long bytes) {
    assertThat(ByteSize.parse(text).bytes()).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "MiB", "-1", "1.5MiB", "1MB", "1mib", "9999999TiB", "1 MiB x"})
  void refusesWhatIsNoSize(String text) {
    assertThatIllegalArgumentException().isThrownBy(() -> ByteSize.parse(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0B", "1B", "1025B", "64KiB", "1536MiB", "3TiB"})
  void writesWhatItReads(String text) {
    assertThat(ByteSize.parse(text)).hasToString(text);
  }

  @Test
  void refusesNegativeSizes() {
    assertThatIllegalArgumentException().isThrownBy(() -> new ByteSize(-1));
  }
}
