package io.longshore.target.files;

import static io.longshore.target.files.TreeComparison.run;

import io.longshore.source.files.FilePass;
import io.longshore.source.files.FilePasses;
import io.longshore.source.files.FilePasses.Limits;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * How long passes take, beside rsync from one folder to another: {@code -Dtest=FileTimes}. Checks
 * nothing, and its name keeps it from the tests that are run each time.
 */
final class FileTimes {
  private static final Limits ONE = new Limits(Duration.ofDays(1), 0, 1);

  @TempDir private Path folder;
  private Path from;
  private Wire wire;

  @BeforeEach
  void start() throws Exception {
    from = Files.createDirectory(folder.resolve("from"));
    wire = new Wire(folder.resolve("agents"));
    wire.files.prepare(Wire.REF, List.of(new IncomingTree(1, folder.resolve("to"), 0)));
  }

  @AfterEach
  void stop() throws Exception {
    wire.stop();
  }

  @Test
  void ofManySmallFiles() throws Exception {
    Random random = new Random(1);
    for (int i = 0; i < 20_000; i++) {
      byte[] content = new byte[random.nextInt(8192)];
      random.nextBytes(content);
      Files.write(Files.createDirectories(from.resolve("d" + i % 200)).resolve("f" + i), content);
    }
    measure("20,000 files, 80 MB");
  }

  @Test
  void ofAFewLargeFiles() throws Exception {
    byte[] content = new byte[100 << 20];
    for (int i = 0; i < 5; i++) {
      new Random(i).nextBytes(content);
      Files.createDirectories(from.resolve("d" + i));
      Files.write(from.resolve("d" + i).resolve("f" + i), content);
    }
    measure("5 files, 500 MB");
  }

  private void measure(String what) throws Exception {
    direct(what, "all");
    direct(what, "nothing");
    // Before each: what is written shortly before a pass counts as written in it.
    Thread.sleep(200);
    FilePasses passes = wire.passes(1, from);
    report(what, "all", passes.copyWhileRunning(ONE, List.of()).getLast());
    report(what, "soon after", passes.copyFrozen(List.of()));
    Thread.sleep(200);
    report(what, "nothing written", passes.copyFrozen(List.of()));
    Thread.sleep(200);
    for (int i = 0; i < 5; i++) {
      Files.write(
          from.resolve("d" + i).resolve("f" + i), new byte[] {1}, StandardOpenOption.APPEND);
    }
    Thread.sleep(200);
    report(what, "5 files written", passes.copyFrozen(List.of()));
    Thread.sleep(200);
    report(what, "nothing written", passes.copyFrozen(List.of()));
  }

  private void direct(String what, String pass) throws Exception {
    long begin = System.nanoTime();
    String _ =
        run(folder, "rsync", "-aHAXS", "--numeric-ids", "--delete", "-@-1", "from/", "direct/");
    System.out.printf(
        "TIMES %s, rsync alone, %s: %d ms%n", what, pass, (System.nanoTime() - begin) / 1_000_000);
  }

  private static void report(String what, String name, FilePass pass) {
    System.out.printf(
        "TIMES %s, %s: %d ms, %d KiB, %d transferred, %d compared%n",
        what,
        name,
        pass.duration().toMillis(),
        pass.sentBytes() >> 10,
        pass.transferredFiles(),
        pass.comparedFiles());
  }
}
