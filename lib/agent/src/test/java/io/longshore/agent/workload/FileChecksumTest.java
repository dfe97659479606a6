package io.longshore.agent.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FileChecksumTest {
  @TempDir Path folder;

  @Test
  void isTheCastagnoliSumOfRfc3720() throws Exception {
    Path file = folder.resolve("f");
    Files.write(file, "123456789".getBytes(StandardCharsets.US_ASCII));
    assertThat(FileChecksum.crc32c(file)).isEqualTo(0xE306_9283);
  }

  @Test
  void coversFilesLongerThanItsBuffer() throws Exception {
    byte[] content = new byte[(1 << 20) * 2 + 17];
    new Random(1).nextBytes(content);
    Path file = folder.resolve("f");
    Files.write(file, content);
    CRC32C expected = new CRC32C();
    expected.update(content);
    assertThat(FileChecksum.crc32c(file)).isEqualTo((int) expected.getValue());
    content[content.length - 1]++;
    Files.write(file, content);
    assertThat(FileChecksum.crc32c(file)).isNotEqualTo((int) expected.getValue());
  }

  @Test
  void ofAnEmptyFileIsZeroAndOfNoneAnError() throws Exception {
    Path file = folder.resolve("f");
    Files.createFile(file);
    assertThat(FileChecksum.crc32c(file)).isZero();
    assertThatThrownBy(() -> FileChecksum.crc32c(folder.resolve("none")))
        .isInstanceOf(NoSuchFileException.class);
  }
}
