package io.longshore.source.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.StatusMapper;
import io.longshore.source.pages.TransferBrokenException;
import io.longshore.transfer.v1.Grant;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The sending half of a data stream under both flow controls: what gRPC buffers ({@code isReady})
 * and what the target has granted. Responses arrive on the network thread and only signal.
 *
 * <p>Thread-safe; messages of several threads are sent one after another.
 */
final class OutboundStream<Q, R> {
  private final String name;
  private final ClientCall<Q, R> call;
  private final BiConsumer<OutboundStream<Q, R>, R> responses;
  private final Consumer<OutboundStream<Q, R>> whenEnded;
  private final ReentrantLock sending = new ReentrantLock();
  private final Object lock = new Object();

  @GuardedBy("lock")
  private long limitBytes;

  @GuardedBy("lock")
  private long sentBytes;

  @GuardedBy("lock")
  private long storedBytes;

  @GuardedBy("lock")
  private @Nullable StatusRuntimeException ended;

  @GuardedBy("lock")
  private boolean cancelled;

  /**
   * @param name of the stream in messages: "page stream 1 to 10.0.0.2:7721"
   * @param call not started
   * @param responses what to do with a response, on the network thread; must not block
   * @param whenEnded is told once that the stream has ended, on the network thread; must not block
   */
  OutboundStream(
      String name,
      ClientCall<Q, R> call,
      BiConsumer<OutboundStream<Q, R>, R> responses,
      Consumer<OutboundStream<Q, R>> whenEnded) {
    this.name = name;
    this.call = call;
    this.responses = responses;
    this.whenEnded = whenEnded;
  }

  /** Starts the stream with its first message. */
  void open(Q first) {
    call.start(new Responses(), new Metadata());
    call.request(16);
    call.sendMessage(first);
  }

  /**
   * Sends a message as soon as the network and the target are ready for it.
   *
   * @param bytes what it counts against the grant: bytes of image data or uncompressed pages
   * @throws TransferBrokenException if the stream has ended
   */
  void send(Q message, long bytes) throws InterruptedException {
    sending.lockInterruptibly();
    try {
      awaitRoom(bytes);
      // Not under the lock that the network's thread takes: a message is a megabyte to copy.
      call.sendMessage(message);
    } finally {
      sending.unlock();
    }
  }

  /** Whether a message of so many bytes can be sent without waiting, if nobody else sends. */
  boolean isReadyFor(long bytes) {
    synchronized (lock) {
      return ended == null && !cancelled && call.isReady() && sentBytes + bytes <= limitBytes;
    }
  }

  private void awaitRoom(long bytes) throws InterruptedException {
    synchronized (lock) {
      while (ended == null && !cancelled && !isReadyFor(bytes)) {
        lock.wait();
      }
      throwIfEnded();
      sentBytes += bytes;
    }
  }

  /** Takes note of a grant; called for responses that have one. */
  void granted(Grant grant) {
    synchronized (lock) {
      limitBytes = Math.max(limitBytes, grant.getLimitBytes());
      storedBytes = Math.max(storedBytes, Math.min(grant.getStoredBytes(), sentBytes));
      lock.notifyAll();
    }
  }

  /** Waits until the target has granted anything: the stream is open then. */
  void awaitGrant() throws InterruptedException {
    synchronized (lock) {
      while (ended == null && limitBytes == 0) {
        lock.wait();
      }
      throwIfEnded();
    }
  }

  /**
   * Waits until a condition holds that a response changes.
   *
   * @param condition read under this stream's lock; every response with a grant makes it be read
   *     again
   */
  void await(BooleanSupplier condition) throws InterruptedException {
    synchronized (lock) {
      while (ended == null && !condition.getAsBoolean()) {
        lock.wait();
      }
      if (!condition.getAsBoolean()) {
        throwIfEnded();
      }
    }
  }

  /** Waits until the target has stored all that was sent. */
  void awaitStored() throws InterruptedException {
    synchronized (lock) {
      while (ended == null && storedBytes < sentBytes) {
        lock.wait();
      }
      if (storedBytes < sentBytes) {
        throwIfEnded();
      }
    }
  }

  /** Bytes sent and stored. */
  long storedBytes() {
    synchronized (lock) {
      return storedBytes;
    }
  }

  /** Whether the target has accepted it. */
  boolean wasOpened() {
    synchronized (lock) {
      return limitBytes > 0;
    }
  }

  /** Whether it has ended, in whichever way. */
  boolean hasEnded() {
    synchronized (lock) {
      return ended != null;
    }
  }

  /**
   * Whether it ended as streams do that are cut, or whose target stops: nobody has refused it for
   * good. A newer epoch will be heard of here too.
   */
  boolean wasCut() {
    StatusRuntimeException end;
    synchronized (lock) {
      end = ended;
    }
    if (end == null) {
      return false;
    }
    if (StatusMapper.hasReason(end)) {
      return wasRefusedWith(Reason.STALE_EPOCH);
    }
    return switch (end.getStatus().getCode()) {
      // The last of a connection that was closed as the stream was opened.
      case UNAVAILABLE, CANCELLED, UNKNOWN -> true;
      default -> false;
    };
  }

  /** Whether the target has ended it with that reason. */
  boolean wasRefusedWith(Reason reason) {
    StatusRuntimeException end;
    synchronized (lock) {
      end = ended;
    }
    return end != null
        && StatusMapper.hasReason(end)
        && StatusMapper.fromStatus(end).reason() == reason;
  }

  /** Ends the stream in order: nothing more will be sent. */
  void finish() {
    sending.lock();
    try {
      synchronized (lock) {
        if (ended == null && !cancelled) {
          call.halfClose();
        }
      }
    } finally {
      sending.unlock();
    }
  }

  /** Ends the stream at once. */
  void cancel(String why) {
    synchronized (lock) {
      cancelled = true;
      lock.notifyAll();
    }
    call.cancel(why, null);
  }

  /** What its end means, after it. */
  TransferBrokenException end() {
    synchronized (lock) {
      return broken(Objects.requireNonNull(ended));
    }
  }

  private TransferBrokenException broken(StatusRuntimeException end) {
    String message =
        name + " broke: " + end.getStatus().getCode() + " " + end.getStatus().getDescription();
    return wasCut()
        ? TransferBrokenException.cut(message, end)
        : new TransferBrokenException(message, end);
  }

  @GuardedBy("lock")
  private void throwIfEnded() {
    if (cancelled) {
      throw new TransferBrokenException(name + " was cancelled here", ended);
    }
    if (ended != null) {
      throw broken(ended);
    }
  }

  private final class Responses extends ClientCall.Listener<R> {
    @Override
    public void onMessage(R response) {
      responses.accept(OutboundStream.this, response);
      call.request(1);
    }

    @Override
    public void onReady() {
      synchronized (lock) {
        lock.notifyAll();
      }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      synchronized (lock) {
        ended = status.asRuntimeException(trailers);
        lock.notifyAll();
      }
      whenEnded.accept(OutboundStream.this);
    }
  }
}
