package io.longshore.target.restore;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.linux.BundledProgram;
import io.longshore.linux.DescriptorSocket;
import io.longshore.linux.Doorbell;
import io.longshore.linux.Pidfd;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.linux.Userfaultfd;
import io.longshore.target.pages.MemoryHolder;
import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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
  private static final Duration TAKEN = Duration.ofSeconds(5);
  private static final long ENDED_SECONDS = 5;
  private static final long LOOK_NANOS = 1_000_000;

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
    BundledProgram.install(Keeper.class, PROGRAM, program);
    Path path = program.resolveSibling(PROGRAM + ".socket");
    try (DescriptorSocket listener = DescriptorSocket.listen(path);
        Doorbell never = Doorbell.create()) {
      Process process =
          BundledProgram.start(
              new ProcessBuilder(program.toString(), path.toString())
                  .redirectInput(new File("/dev/null"))
                  .redirectOutput(new File("/dev/null"))
                  .redirectError(program.resolveSibling(PROGRAM + ".err").toFile()));
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

  /**
   * What keepers hold whose agent is gone, in the order in which it was given; they go on holding.
   *
   * @param keepers of which one has all
   * @param count how many that are; fewer for a moment, while it still takes them
   * @throws IOException if none has, or it has ended
   */
  public static List<Userfaultfd> heldBy(List<Member> keepers, int count) throws IOException {
    long deadline = System.nanoTime() + TAKEN.toNanos();
    do {
      for (Member keeper : keepers) {
        if (keeper.isAlive() && memories(keeper).size() == count) {
          return duplicates(keeper);
        }
      }
      LockSupport.parkNanos(LOOK_NANOS);
    } while (System.nanoTime() - deadline < 0);
    throw new IOException(
        "of the keepers of the workload's memory, %s, none holds all %d userfaultfds"
            .formatted(keepers, count));
  }

  private static List<Userfaultfd> duplicates(Member keeper) throws IOException {
    List<Userfaultfd> held = new ArrayList<>();
    boolean complete = false;
    try (Pidfd process = Pidfd.open(keeper.pid())) {
      // It never closes one, so a later one has a higher number.
      for (int number : memories(keeper)) {
        held.add(Userfaultfd.own(process.duplicateDescriptor(number)));
      }
      if (!keeper.isAlive()) {
        throw new IOException("the keeper of the workload's memory has ended: " + keeper);
      }
      complete = true;
      return held;
    } finally {
      if (!complete) {
        held.forEach(Userfaultfd::close);
      }
    }
  }

  /** Numbers of its descriptors that are memories, ascending. */
  private static List<Integer> memories(Member keeper) throws IOException {
    List<Integer> numbers = new ArrayList<>();
    try (DirectoryStream<Path> descriptors =
        Files.newDirectoryStream(Path.of("/proc", Integer.toString(keeper.pid()), "fd"))) {
      for (Path descriptor : descriptors) {
        if (Files.readSymbolicLink(descriptor).toString().equals("anon_inode:[userfaultfd]")) {
          numbers.add(Integer.valueOf(descriptor.getFileName().toString()));
        }
      }
    }
    numbers.sort(null);
    return numbers;
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
