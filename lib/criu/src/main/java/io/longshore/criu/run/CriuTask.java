package io.longshore.criu.run;

import io.longshore.linux.Pidfd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A CRIU that runs, or something that was started below it, as its command line shows it: which is
 * how an agent that was restarted finds what it had started. The folder of a migration is in it and
 * no other migration has that.
 *
 * @param handle the process
 * @param arguments its command line
 */
public record CriuTask(ProcessHandle handle, List<String> arguments) {
  private static final Duration LOOK = Duration.ofMinutes(1);

  /** Copies. */
  public CriuTask {
    arguments = List.copyOf(arguments);
  }

  /** The CRIU that does something with a work folder; of a family the one that was started. */
  static Optional<CriuTask> find(String action, Path workFolder) throws IOException {
    Path work = workFolder.toAbsolutePath().normalize();
    List<CriuTask> family =
        below(work).stream()
            .filter(
                task ->
                    task.does(action)
                        && task.option("--work-dir").equals(Optional.of(work.toString())))
            .toList();
    return family.stream()
        .filter(
            task ->
                task.handle
                    .parent()
                    .filter(parent -> family.stream().anyMatch(other -> other.is(parent)))
                    .isEmpty())
        .findFirst();
  }

  /** Everything that runs with a path in or below a folder among its arguments. */
  public static List<CriuTask> below(Path folder) throws IOException {
    List<CriuTask> found = new ArrayList<>();
    for (ProcessHandle process : ProcessHandle.allProcesses().toList()) {
      List<String> arguments = arguments(process.pid());
      boolean names =
          arguments.stream()
              .anyMatch(
                  argument ->
                      argument.equals(folder.toString()) || argument.startsWith(folder + "/"));
      if (names && process.pid() != ProcessHandle.current().pid()) {
        found.add(new CriuTask(process, arguments));
      }
    }
    return found;
  }

  /**
   * The executable may be a script that starts CRIU by its dynamic loader: the rest is as given.
   */
  private boolean does(String action) {
    int options = arguments.indexOf(CriuProcess.FIRST_OPTION);
    return options > 0 && arguments.get(options - 1).equals(action);
  }

  /** The argument behind an option. */
  Optional<String> option(String name) {
    int at = arguments.indexOf(name);
    return at < 0 || at + 1 >= arguments.size()
        ? Optional.empty()
        : Optional.of(arguments.get(at + 1));
  }

  /** Waits until it has ended. */
  void awaitExit() throws IOException {
    Optional<Pidfd> descriptor = open();
    if (descriptor.isPresent()) {
      try (Pidfd process = descriptor.get()) {
        while (!process.awaitExit(LOOK)) {
          // Looked at again for no other reason than that the wait has a limit.
        }
      }
    }
  }

  /** Ends it with SIGKILL. */
  public void kill() throws IOException {
    Optional<Pidfd> descriptor = open();
    if (descriptor.isPresent()) {
      try (Pidfd process = descriptor.get()) {
        process.signal(Pidfd.SIGKILL);
      }
    }
  }

  /** By a descriptor, and only if its number has not come to mean another process meanwhile. */
  private Optional<Pidfd> open() throws IOException {
    Pidfd process;
    try {
      process = Pidfd.open((int) handle.pid());
    } catch (IOException e) {
      return Optional.empty();
    }
    if (arguments(handle.pid()).equals(arguments)) {
      return Optional.of(process);
    }
    process.close();
    return Optional.empty();
  }

  private boolean is(ProcessHandle other) {
    return handle.pid() == other.pid();
  }

  /** Empty for one that has ended, zombies too. */
  private static List<String> arguments(long pid) throws IOException {
    try {
      String line =
          Files.readString(
              Path.of("/proc", Long.toString(pid), "cmdline"), StandardCharsets.ISO_8859_1);
      return List.of(line.split("\0", 0));
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      if (String.valueOf(e.getMessage()).contains("No such process")) {
        return List.of();
      }
      throw e;
    }
  }
}
