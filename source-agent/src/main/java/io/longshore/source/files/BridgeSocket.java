package io.longshore.source.files;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/** Where a sending rsync connects to, and what carries its connection to the target and back. */
final class BridgeSocket implements AutoCloseable {
  private static final int BYTES = 128 << 10;

  /** How long the target's word may take after the program here has ended. */
  private static final long END_SECONDS = 10;

  /** What the target, or the link, says of a session that ended too early. */
  private static final Set<Reason> OF_BROKEN =
      EnumSet.of(Reason.TRANSFER_BROKEN, Reason.MALFORMED_STREAM);

  private final Path path;
  private final ServerSocketChannel listener;
  private final AtomicLong carried = new AtomicLong();
  private final CompletableFuture<Boolean> target = new CompletableFuture<>();

  BridgeSocket(Path path) throws IOException {
    this.path = path.toAbsolutePath();
    Files.deleteIfExists(this.path);
    listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    boolean bound = false;
    try {
      listener.bind(UnixDomainSocketAddress.of(this.path), 1);
      bound = true;
    } finally {
      if (!bound) {
        listener.close();
      }
    }
  }

  Path path() {
    return path;
  }

  /** Begins to carry, as soon as the program connects. */
  void connect(Process process, FileLink.Session session) {
    var _ = process.onExit().thenRun(this::closeListener);
    Thread.ofPlatform().daemon().name("files-bridge").start(() -> serve(session));
  }

  /** Bytes that were carried, in both directions. */
  long bytes() {
    return carried.get();
  }

  /**
   * Waits for the target's end of the session.
   *
   * @param failedHere whether the program has failed for a reason of its own: that the session
   *     broke then says nothing
   * @throws LongshoreException with the target's reason, or the link's
   */
  void awaitTarget(boolean failedHere) throws InterruptedException {
    try {
      boolean _ = target.get(END_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof LongshoreException known
          && !(failedHere && OF_BROKEN.contains(known.reason()))) {
        throw known;
      }
      if (!failedHere) {
        throw new LongshoreException(Reason.TRANSFER_BROKEN, "the stream of files broke", e);
      }
    } catch (TimeoutException e) {
      if (!failedHere) {
        throw new LongshoreException(
            Reason.TRANSFER_BROKEN, "the target does not say what became of the files", e);
      }
    }
  }

  private void serve(FileLink.Session session) {
    try (SocketChannel program = listener.accept()) {
      closeListener();
      Thread there =
          Thread.ofPlatform().daemon().name("files-to-target").start(() -> send(program, session));
      receive(program, session);
      there.join();
    } catch (IOException e) {
      // Never connected: it has ended, and says why. Else what it was to be told does not interest
      // it any more.
      target.completeExceptionally(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void send(SocketChannel program, FileLink.Session session) {
    ByteBuffer buffer = ByteBuffer.allocate(BYTES);
    try {
      while (program.read(buffer) >= 0) {
        carried.addAndGet(buffer.position());
        if (buffer.position() > 0 && !session.send(buffer.array(), buffer.position())) {
          return;
        }
        buffer.clear();
      }
      session.finish();
    } catch (IOException e) {
      session.cancel();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void receive(SocketChannel program, FileLink.Session session) throws IOException {
    IOException unheard = null;
    try {
      for (byte[] data = session.receive(); data != null; data = session.receive()) {
        carried.addAndGet(data.length);
        try {
          ByteBuffer rest = ByteBuffer.wrap(data);
          while (unheard == null && rest.hasRemaining()) {
            program.write(rest);
          }
        } catch (IOException e) {
          // The program has ended; the target's end is waited for all the same.
          unheard = e;
        }
      }
      target.complete(true);
    } catch (LongshoreException | CompletionException e) {
      target.completeExceptionally(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      program.close();
    }
  }

  private void closeListener() {
    try {
      listener.close();
      Files.deleteIfExists(path);
    } catch (IOException e) {
      // Only a name in the agent's own folder.
    }
  }

  @Override
  public void close() {
    closeListener();
  }
}
