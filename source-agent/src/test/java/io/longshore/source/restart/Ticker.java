package io.longshore.source.restart;

import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** A process that writes to its memory all the time and knows what must be there: ticker.c. */
final class Ticker {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Process process;
  private final Path result;
  private final long memory;

  private Ticker(Process process, Path result, long memory) {
    this.process = process;
    this.result = result;
    this.memory = memory;
  }

  static Ticker start(Path folder, int mebibytes) throws Exception {
    Path source = folder.resolve("ticker.c");
    try (var text = Objects.requireNonNull(Ticker.class.getResourceAsStream("ticker.c"))) {
      Files.write(source, text.readAllBytes());
    }
    Path program = folder.resolve("ticker");
    Process gcc =
        new ProcessBuilder("gcc", "-O2", "-pthread", "-o", program.toString(), source.toString())
            .inheritIO()
            .start();
    if (gcc.waitFor() != 0) {
      throw new AssertionError("gcc failed: run deploy/setup --for-tests");
    }
    Path result = folder.resolve("ticker.result");
    Process process =
        new ProcessBuilder("setsid", "--", program.toString(), "" + mebibytes, result.toString())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(new File("/dev/null"))
            .redirectError(new File("/dev/null"))
            .start();
    return new Ticker(process, result, told(result, "filled"));
  }

  int pid() {
    return (int) process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** How often it has written: grows while it runs, and does not while it does not. */
  long ticks() {
    try (RandomAccessFile file = new RandomAccessFile("/proc/" + pid() + "/mem", "r")) {
      file.seek(memory);
      return Long.reverseBytes(file.readLong());
    } catch (IOException e) {
      throw new AssertionError("cannot look at the workload", e);
    }
  }

  /** A page of its memory, by number. */
  byte[] page(long number) throws IOException {
    byte[] page = new byte[4096];
    try (RandomAccessFile file = new RandomAccessFile("/proc/" + pid() + "/mem", "r")) {
      file.seek(number * page.length);
      file.readFully(page);
    }
    return page;
  }

  /** Number of the first page that it writes to. */
  long firstPage() {
    return memory / 4096;
  }

  /** Waits until it is seen to run, and asks it whether its memory is as it wrote it. */
  void assertRunsWithItsMemoryRight() throws Exception {
    Files.deleteIfExists(result);
    new ProcessBuilder("kill", "-USR1", "" + pid()).start().waitFor();
    told(result, "right");
    long before = ticks();
    await().atMost(PATIENCE).until(() -> ticks() > before + 3);
  }

  void assertDoesNotRun() throws Exception {
    long before = ticks();
    // A running one counts each millisecond.
    Thread.sleep(100);
    if (ticks() != before) {
      throw new AssertionError("the workload runs: " + before + " ticks, then " + ticks());
    }
  }

  void close() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor(10, TimeUnit.SECONDS);
  }

  private static long told(Path result, String expected) {
    String[] words =
        await()
            .atMost(PATIENCE)
            .pollInterval(Duration.ofMillis(5))
            .until(
                () ->
                    Files.exists(result)
                        ? Files.readString(result).strip().split(" ", -1)
                        : new String[0],
                found -> found.length == 2);
    if (!words[0].equals(expected)) {
      throw new AssertionError("the workload says that its memory is " + words[0]);
    }
    return Long.parseUnsignedLong(words[1]);
  }
}
