package io.longshore.source.tracking;

import static org.awaitility.Awaitility.await;

import io.longshore.linux.Errno;
import io.longshore.linux.Pidfd;
import io.longshore.linux.ProcessTree;
import io.longshore.linux.SystemCallException;
import io.longshore.linux.Task;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/** A process tree of writer.c, in a session of its own and no child of the test. */
public final class Writer implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final int SIGCONT = 18;

  /** More where a test would not get on beside it. */
  private static final String NICENESS = System.getProperty("longshore.tracking.nice", "0");

  private final Path folder;
  private final int pid;

  private Writer(Path folder, int pid) {
    this.folder = folder;
    this.pid = pid;
  }

  /** Starts one of these: random, quiet, small, moving. */
  public static Writer start(Path folder, String kind, long number) throws Exception {
    String program = Program.PATH.toString();
    Process starting =
        new ProcessBuilder(
                "setsid",
                "--fork",
                "nice",
                "-n",
                NICENESS,
                program,
                kind,
                folder.toString(),
                "" + number)
            .redirectInput(new File("/dev/null"))
            .redirectOutput(new File("/dev/null"))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    if (starting.waitFor() != 0) {
      throw new AssertionError("the writer did not start");
    }
    await().atMost(PATIENCE).until(() -> Files.exists(folder.resolve("ready")));
    return new Writer(folder, (int) said(folder, 0));
  }

  private static long said(Path folder, int word) throws IOException {
    return Long.parseLong(Files.readString(folder.resolve("ready")).strip().split(" ", -1)[word]);
  }

  /** Its root. */
  public int pid() {
    return pid;
  }

  /** Of a quiet one: number of the first page of its memory. */
  long firstPage() throws IOException {
    return said(folder, 1);
  }

  /** Lets a quiet one write each hundredth page, or a moving one move, and waits until it has. */
  public void writeSome() throws Exception {
    long before = said(folder, 2);
    signal(pid, 10);
    await().atMost(PATIENCE).until(() -> said(folder, 2) == before + 1);
  }

  /** Whether it has not ended. */
  boolean isAlive() throws IOException {
    return Files.exists(Path.of("/proc", Integer.toString(pid)));
  }

  /** The tree as of now, without zombies. */
  List<Integer> pids() throws IOException {
    return ProcessTree.of(pid).tasks().stream().filter(Task::alive).map(Task::pid).toList();
  }

  /** Stops the whole tree with SIGSTOP. */
  void stop() {
    await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(1))
        .until(
            () -> {
              boolean stopped = true;
              for (Task task : ProcessTree.of(pid).tasks()) {
                if (task.alive() && task.state() != Task.State.STOPPED) {
                  signal(task.pid(), Pidfd.SIGSTOP);
                  stopped = false;
                }
              }
              return stopped && ProcessTree.of(pid).stable();
            });
  }

  /** Lets a stopped tree go on. */
  void goOn() throws IOException {
    for (int member : pids()) {
      signal(member, SIGCONT);
    }
  }

  static void signal(int pid, int signal) throws IOException {
    try (Pidfd process = Pidfd.open(pid)) {
      process.signal(signal);
    } catch (SystemCallException e) {
      if (e.errno() != Errno.ESRCH) {
        throw e;
      }
      // It has ended.
    }
  }

  @Override
  public void close() throws IOException {
    // Stopped first: none forks while they are killed.
    if (Files.exists(Path.of("/proc", Integer.toString(pid)))) {
      stop();
      for (int member : pids().reversed()) {
        signal(member, Pidfd.SIGKILL);
      }
    }
  }

  /** What is compiled, once. */
  private static final class Program {
    static final Path PATH = compile();

    private Program() {}

    private static Path compile() {
      try (var text = Objects.requireNonNull(Writer.class.getResourceAsStream("writer.c"))) {
        Path program = Files.createTempFile("longshore-writer", "");
        program.toFile().deleteOnExit();
        Process gcc =
            new ProcessBuilder("gcc", "-O2", "-pthread", "-xc", "-o", program.toString(), "-")
                .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (var source = gcc.getOutputStream()) {
          text.transferTo(source);
        }
        if (gcc.waitFor() != 0) {
          throw new AssertionError("gcc failed: run deploy/setup --for-tests");
        }
        return program;
      } catch (IOException | InterruptedException e) {
        throw new AssertionError("cannot compile writer.c", e);
      }
    }
  }
}
