package io.longshore.acceptance.testbed;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;

/** The time of day that the services of a testbed have; see deploy/testbed.d/clock.c. */
final class Clocks {
  /** Certificates are valid from now on, and so must be after the clock was set back. */
  static final Duration AHEAD = Duration.ofHours(2);

  private final Testbed testbed;
  private final Set<String> wrong = new HashSet<>();

  Clocks(Testbed testbed) {
    this.testbed = testbed;
  }

  /** Sets the clock of a service back. */
  synchronized void setBack(String service, Duration by) throws IOException {
    wrong.add(service);
    set(service, AHEAD.minus(by));
  }

  /** Sets all of them as they were. */
  synchronized void setRight() throws IOException {
    for (String service : wrong) {
      set(service, AHEAD);
    }
    wrong.clear();
  }

  private void set(String service, Duration ahead) throws IOException {
    Path file = testbed.folder().resolve("clocks").resolve(service);
    ByteBuffer seconds = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
    seconds.putLong(0, ahead.toSeconds());
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(seconds);
    }
  }
}
