package io.longshore.criu.run;

import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A tree of two tasks with known memory, see pattern.c, without a terminal and in a session of its
 * own.
 */
public final class Workload {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int SIGUSR1 = 10;

  private final Process process;
  private final Path result;

  private Workload(Process process, Path result) {
    this.process = process;
    this.result = result;
  }

  /** Starts the tree and waits until its memory is filled. */
  public static Workload start(Path folder, int mebibytes) throws Exception {
    return start(folder, mebibytes, List.of());
  }

  /**
   * The same.
   *
   * @param launcher becomes the workload, by execve(2)
   */
  static Workload start(Path folder, int mebibytes, List<String> launcher) throws Exception {
    Path program = compile(folder);
    Path result = folder.resolve("result");
    List<String> command = new ArrayList<>(List.of("setsid", "--"));
    command.addAll(launcher);
    command.addAll(List.of(program.toString(), "" + mebibytes, result.toString()));
    Process process =
        new ProcessBuilder(command)
            .redirectInput(new File("/dev/null"))
            .redirectOutput(new File("/dev/null"))
            .redirectError(new File("/dev/null"))
            .start();
    Workload workload = new Workload(process, result);
    workload.awaitResult("filled");
    return workload;
  }

  /** The root. */
  public int pid() {
    return (int) process.pid();
  }

  /** State letter of the root's main thread in /proc, or '-' if there is no such process. */
  public char state() {
    return state(pid());
  }

  /** State letter of a process. */
  static char state(int pid) {
    try {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2);
    } catch (IOException _) {
      return '-';
    }
  }

  /** Asks the running tree whether its memory is as written, and fails unless it is. */
  public void assertMemoryIsRight() throws Exception {
    Files.deleteIfExists(result);
    SystemCalls.signal(pid(), SIGUSR1);
    awaitResult("right");
  }

  /** What a process was started as, empty if there is none. */
  static String commandLine(long pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/cmdline"));
    } catch (IOException _) {
      return "";
    }
  }

  /** Kills the tree, running or not, and waits until it is dead. */
  public void kill() throws Exception {
    for (ProcessHandle member : signalled()) {
      await().atMost(PATIENCE).until(() -> "Z-".indexOf(state((int) member.pid())) >= 0);
    }
  }

  /** The same, and waits until its pids can be had again, which may take init some time. */
  public void killAndFreePids() throws Exception {
    List<ProcessHandle> tree = signalled();
    process.waitFor(10, TimeUnit.SECONDS);
    for (ProcessHandle member : tree) {
      await().atMost(PATIENCE).until(() -> state((int) member.pid()) == '-');
    }
  }

  private List<ProcessHandle> signalled() throws Exception {
    List<ProcessHandle> tree =
        ProcessHandle.of(pid())
            .filter(root -> commandLine(root.pid()).contains(result.toString()))
            .map(root -> Stream.concat(root.descendants(), Stream.of(root)).toList())
            .orElse(List.of());
    for (ProcessHandle member : tree) {
      SystemCalls.signal(member.pid(), SystemCalls.SIGKILL);
    }
    return tree;
  }

  private void awaitResult(String expected) {
    await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(5))
        .until(
            () -> {
              if (!Files.exists(result)) {
                return false;
              }
              String found = Files.readString(result).strip();
              if (found.equals("wrong")) {
                throw new AssertionError("the memory of the tree " + pid() + " is wrong");
              }
              return found.equals(expected);
            });
  }

  private static Path compile(Path folder) throws Exception {
    Path source = folder.resolve("pattern.c");
    try (var text = Workload.class.getResourceAsStream("pattern.c")) {
      Files.write(source, text.readAllBytes());
    }
    Path program = folder.resolve("pattern");
    Process gcc =
        new ProcessBuilder("gcc", "-O2", "-pthread", "-o", program.toString(), source.toString())
            .inheritIO()
            .start();
    if (gcc.waitFor() != 0) {
      throw new AssertionError("gcc failed: run deploy/setup --for-tests");
    }
    return program;
  }
}
