package io.longshore.criu.run;

import io.longshore.linux.DescriptorSocket;
import io.longshore.linux.Doorbell;
import io.longshore.linux.FileDescriptorHandle;
import io.longshore.linux.Userfaultfd;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Where {@code criu restore --lazy-pages} hands the memory of the tree over: the socket {@code
 * lazy-pages.socket} in its work folder, on which CRIU expects its own {@code lazy-pages} daemon
 * (criu/uffd.c).
 *
 * <p>For each process comes its pid in its own namespace, then its userfaultfd, set up for all
 * events; its ranges are registered when the restore is held. A number of its own says that the
 * restore has finished. To be made before the restore is started. {@link #next} by one thread,
 * {@link #close} after it has returned, {@link #stop} by any.
 */
public final class LazyPagesSocket implements AutoCloseable {
  private static final String NAME = "lazy-pages.socket";
  private static final int RESTORE_FINISHED = 0x52535446;
  private static final Duration LONG = Duration.ofHours(1);

  private final DescriptorSocket listener;
  private final Doorbell stop;
  private Optional<DescriptorSocket> connection = Optional.empty();

  /** What a restore says. */
  public sealed interface Word {
    /** A process's memory; the receiver owns it. */
    record Memory(int vpid, Userfaultfd memory) implements Word {}

    /** A process without memory. */
    record Zombie(int vpid) implements Word {}

    /** The tree runs from now on. */
    record RestoreFinished() implements Word {}
  }

  private LazyPagesSocket(DescriptorSocket listener, Doorbell stop) {
    this.listener = listener;
    this.stop = stop;
  }

  /** Listens in the work folder of a restore. */
  public static LazyPagesSocket listen(Path work) throws IOException {
    Doorbell bell = Doorbell.create();
    try {
      return new LazyPagesSocket(DescriptorSocket.listen(work.resolve(NAME)), bell);
    } catch (IOException e) {
      bell.close();
      throw e;
    }
  }

  /**
   * Waits for what the restore says next. Blocks its carrier: call it on a platform thread.
   *
   * @return empty if the restore has ended, or after {@link #stop}
   */
  public Optional<Word> next() throws IOException {
    if (connection.isEmpty()) {
      if (!comes(listener.descriptor())) {
        return Optional.empty();
      }
      connection = Optional.of(listener.accept());
    }
    DescriptorSocket from = connection.get();
    if (!comes(from.descriptor())) {
      return Optional.empty();
    }
    Optional<Integer> number = from.receiveInt();
    if (number.isEmpty()) {
      return Optional.empty();
    }
    int pid = number.get();
    if (pid == RESTORE_FINISHED) {
      return Optional.of(new Word.RestoreFinished());
    }
    if (pid < 0) {
      return Optional.of(new Word.Zombie(-pid));
    }
    return Optional.of(new Word.Memory(pid, Userfaultfd.own(from.receiveDescriptor())));
  }

  /** Ends the present and every later {@link #next}. */
  public void stop() {
    stop.ring();
  }

  @Override
  public void close() {
    connection.ifPresent(DescriptorSocket::close);
    listener.close();
    stop.close();
  }

  private boolean comes(FileDescriptorHandle descriptor) throws IOException {
    while (true) {
      switch (stop.await(descriptor, LONG)) {
        case READY -> {
          return true;
        }
        case RUNG -> {
          return false;
        }
        case TIMED_OUT -> {}
      }
    }
  }
}
