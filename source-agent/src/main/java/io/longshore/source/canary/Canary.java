package io.longshore.source.canary;

import io.longshore.linux.BundledProgram;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A small workload that knows what its memory must hold (canary.c), in a folder of its own.
 * Wherever on this host it came to run, it is reached through that folder. For use by one thread at
 * a time.
 */
final class Canary {
  private static final String PROGRAM = "canary";
  private static final Duration STARTED = Duration.ofSeconds(10);
  private static final Duration LOOK = Duration.ofMillis(1);

  private final Path folder;

  /** The canary of a folder, whether it is there or not. */
  Canary(Path folder) {
    this.folder = folder.toAbsolutePath();
  }

  /**
   * Starts it and waits until its memory is filled.
   *
   * @param mebibytes its memory
   * @param lifetime it ends after that, however it was left
   * @return process id of its root
   */
  int start(int mebibytes, Duration lifetime) throws IOException, InterruptedException {
    Files.createDirectories(
        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    BundledProgram.install(Canary.class, PROGRAM, program());
    Process starting =
        BundledProgram.start(
            new ProcessBuilder(
                    program().toString(),
                    folder.toString(),
                    Integer.toString(mebibytes),
                    Long.toString(lifetime.toSeconds()))
                .redirectErrorStream(true));
    starting.getOutputStream().close();
    if (!starting.waitFor(STARTED.toMillis(), TimeUnit.MILLISECONDS)) {
      starting.destroyForcibly();
      throw new IOException("the canary did not start within " + STARTED);
    }
    String said =
        new String(starting.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    if (starting.exitValue() != 0) {
      throw new IOException(said);
    }
    return Integer.parseInt(said);
  }

  /**
   * Has it check all its memory.
   *
   * @return how many pages it checked in its life
   * @throws LongshoreException WORKLOAD_LOST if it does not answer, or one was ever wrong
   */
  long ask(Duration patience) throws IOException, InterruptedException {
    long question = Math.max(1, System.nanoTime() & Long.MAX_VALUE);
    Files.writeString(folder.resolve("ask"), question + "\n");
    long deadline = System.nanoTime() + patience.toNanos();
    int looks = 0;
    do {
      Optional<long[]> answer = answer();
      if (answer.isPresent() && answer.get()[0] == question) {
        long pages = answer.get()[1];
        long wrong = answer.get()[2];
        if (wrong != 0) {
          throw new LongshoreException(
              Reason.WORKLOAD_LOST,
              "the canary found %d of %d pages wrong".formatted(wrong, pages));
        }
        return pages;
      }
      TimeUnit.NANOSECONDS.sleep(LOOK.toNanos());
      looks++;
    } while (System.nanoTime() < deadline && (looks % 100 != 0 || !processes().isEmpty()));
    throw new LongshoreException(
        Reason.WORKLOAD_LOST,
        "the canary did not answer within %s; of it run: %s"
            .formatted(patience, processes().stream().map(ProcessHandle::pid).toList()));
  }

  /**
   * Ends it and removes all that belonged to it. Does nothing if it is gone.
   *
   * @throws IOException if it does not even end when it is killed, as it is frozen
   */
  void end(Duration patience) throws IOException, InterruptedException {
    Files.deleteIfExists(folder.resolve("stay"));
    if (!awaitEnd(patience)) {
      processes().forEach(ProcessHandle::destroyForcibly);
      if (!awaitEnd(patience)) {
        throw new IOException(
            "the canary does not end: processes "
                + processes().stream().map(ProcessHandle::pid).toList());
      }
    }
    deleteFolder();
  }

  private boolean awaitEnd(Duration patience) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (!processes().isEmpty()) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      TimeUnit.NANOSECONDS.sleep(LOOK.toNanos());
    }
    return true;
  }

  /** Those that run its program: of the original, and of the restored one. */
  private List<ProcessHandle> processes() {
    String program = program().toString();
    return ProcessHandle.allProcesses()
        .filter(process -> process.info().command().filter(program::equals).isPresent())
        .toList();
  }

  private Optional<long[]> answer() throws IOException {
    try {
      String[] words = Files.readString(folder.resolve("answer")).strip().split(" ", -1);
      return Optional.of(Stream.of(words).mapToLong(Long::parseLong).toArray());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  private void deleteFolder() throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
    }
    Files.delete(folder);
  }

  private Path program() {
    return folder.resolve(PROGRAM);
  }
}
