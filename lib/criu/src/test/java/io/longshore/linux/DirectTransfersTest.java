package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DirectTransfersTest {
  @TempDir Path folder;

  @Test
  void findsAFileThatIsReadPastTheCache() throws Exception {
    int self = (int) ProcessHandle.current().pid();
    Path file = Files.write(folder.resolve("file"), new byte[8192]);
    assertThat(DirectTransfers.isPossibleFor(self)).isFalse();
    try (FileChannel open = FileChannel.open(file, StandardOpenOption.READ, direct())) {
      assertThat(DirectTransfers.isPossibleFor(self)).isTrue();
      assertThat(open.isOpen()).isTrue();
    }
    assertThat(DirectTransfers.isPossibleFor(self)).isFalse();
  }

  /** By its name, because the compiler warns of it. */
  private static OpenOption direct() throws ReflectiveOperationException {
    return (OpenOption)
        Class.forName("com.sun.nio.file.ExtendedOpenOption").getField("DIRECT").get(null);
  }
}
