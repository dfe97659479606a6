package io.longshore.target.files;

import io.longshore.linux.ProcessFamily;
import io.longshore.linux.ProcessFamily.Member;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * A file that is locked by whatever program changes a tree, and its children, whoever started them:
 * also of an agent that is gone.
 *
 * @param path of it
 */
record TreeLock(Path path) {
  /** A program whose agent is gone finds its input at the end, and goes by itself. */
  private static final Duration BY_ITSELF = Duration.ofSeconds(1);

  private static final Duration KILLED = Duration.ofSeconds(10);
  private static final long LOOK_NANOS = 2_000_000;

  /**
   * Waits until nobody changes the tree; who goes on is killed.
   *
   * @throws IOException if somebody still does after that
   */
  void awaitFree() throws IOException {
    if (!awaitFree(BY_ITSELF)) {
      new ProcessFamily(holders()).kill(KILLED);
      if (!awaitFree(KILLED)) {
        throw new IOException("a program that changes the tree does not end; it has " + path);
      }
    }
  }

  void delete() throws IOException {
    Files.deleteIfExists(path);
  }

  private boolean awaitFree(Duration limit) throws IOException {
    long begin = System.nanoTime();
    do {
      if (isFree()) {
        return true;
      }
      LockSupport.parkNanos(LOOK_NANOS);
    } while (System.nanoTime() - begin < limit.toNanos());
    return false;
  }

  private boolean isFree() throws IOException {
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE);
        FileLock lock = file.tryLock()) {
      return lock != null;
    } catch (NoSuchFileException e) {
      return true;
    }
  }

  /** Processes that were told to take it. */
  private List<Member> holders() throws IOException {
    List<Member> holders = new ArrayList<>();
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
      for (Path process : processes) {
        holder(process).ifPresent(holders::add);
      }
    }
    return holders;
  }

  private Optional<Member> holder(Path process) throws IOException {
    try {
      // Its start time first: if another process has its pid by now, that is not killed.
      Member member = Member.of(Integer.parseInt(process.getFileName().toString()));
      String words =
          new String(Files.readAllBytes(process.resolve("cmdline")), StandardCharsets.ISO_8859_1);
      String wanted =
          new String(path.toString().getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
      return words.contains("\0--lock\0" + wanted + "\0") ? Optional.of(member) : Optional.empty();
    } catch (IOException e) {
      // It has ended.
      return Optional.empty();
    }
  }
}
