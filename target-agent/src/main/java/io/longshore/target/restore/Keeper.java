package io.longshore.target.restore;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.linux.DescriptorSocket;
import io.longshore.linux.Doorbell;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.linux.Userfaultfd;
import io.longshore.target.pages.MemoryHolder;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A small process (keeper.c) that holds the memories of one migration and outlives the agent: while
 * it lives, a thread of the workload that touches a missing page waits. Thread-safe.
 */
public final class Keeper implements MemoryHolder {
  private static final Logger log = LoggerFactory.getLogger(Keeper.class);
  private static final String PROGRAM = "keeper";
  private static final Duration STARTED = Duration.ofSeconds(10);
  private static final long ENDED_SECONDS = 5;

  private final Process process;
  private final Member member;

  @GuardedBy("this")
  private final DescriptorSocket socket;

  @GuardedBy("this")
  private int held;

  @GuardedBy("this")
  private boolean released;

  private Keeper(Process process, Member member, DescriptorSocket socket) {
    this.process = process;
    this.member = member;
    this.socket = socket;
  }

  /**
   * Starts one.
   *
   * @param work a folder of the migration's own, where programs can be run
   */
  public static Keeper start(Path work) throws IOException {
    Path program = work.toAbsolutePath().resolve(PROGRAM);
    try (InputStream content =
        Objects.requireNonNull(Keeper.class.getResourceAsStream(PROGRAM), PROGRAM)) {
      Files.copy(content, program, StandardCopyOption.REPLACE_EXISTING);
    }
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    Path path = program.resolveSibling(PROGRAM + ".socket");
    try (DescriptorSocket listener = DescriptorSocket.listen(path);
        Doorbell never = Doorbell.create()) {
      Process process =
          new ProcessBuilder(program.toString(), path.toString())
              .redirectInput(new File("/dev/null"))
              .redirectOutput(new File("/dev/null"))
              .redirectError(program.resolveSibling(PROGRAM + ".err").toFile())
              .start();
      try {
        if (never.await(listener.descriptor(), STARTED) != Doorbell.Outcome.READY) {
          throw new IOException(
              "%s did not connect within %s: %s"
                  .formatted(
                      program,
                      STARTED,
                      Files.readString(program.resolveSibling(PROGRAM + ".err"))));
        }
        return new Keeper(process, Member.of((int) process.pid()), listener.accept());
      } catch (IOException e) {
        process.destroyForcibly();
        throw e;
      }
    } finally {
      Files.deleteIfExists(path);
    }
  }

  /** Its process. */
  public Member member() {
    return member;
  }

  @Override
  public synchronized void hold(Userfaultfd memory) throws IOException {
    socket.send((byte) 'h', memory.descriptor());
    held++;
  }

  /**
   * Asks whether it has all that it was given.
   *
   * @throws IOException if not
   */
  public synchronized void confirm() throws IOException {
    socket.send((byte) 'c');
    int has = socket.receiveInt().orElse(0);
    if (has != held) {
      throw new IOException(
          "the keeper of the workload's memory holds %d of %d userfaultfds".formatted(has, held));
    }
  }

  /** Whether it holds what it was given, as long as that is needed. */
  public synchronized boolean isHolding() {
    return released || process.isAlive();
  }

  @Override
  public synchronized void release() {
    if (released) {
      return;
    }
    released = true;
    try {
      socket.send((byte) 'd');
    } catch (IOException e) {
      log.warn("The keeper {} does not hear; killing it", member.pid(), e);
      process.destroyForcibly();
    }
    boolean interrupted = false;
    boolean ended = false;
    while (!ended) {
      try {
        // When it has ended it holds nothing any more.
        ended = process.waitFor(ENDED_SECONDS, TimeUnit.SECONDS);
        if (!ended) {
          log.warn("The keeper {} does not end; killing it", member.pid());
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    socket.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
