package io.longshore.source.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.source.pages.TransferBrokenException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A data stream that outlives its connection: once the target has accepted it, it is opened again
 * over a new connection whenever it is cut, until it is finished or cancelled, or the target
 * refuses it. What was on its way is lost with the old one. Thread-safe.
 */
final class LastingStream<Q, R> {
  private static final Logger log = LoggerFactory.getLogger(LastingStream.class);
  private static final Duration FIRST_DELAY = Duration.ofMillis(50);
  private static final Duration LONGEST_DELAY = Duration.ofSeconds(1);
  private static final int DOUBLINGS = 5;
  private static final Duration CLOSED = Duration.ofSeconds(2);

  private final Way<Q, R> way;
  private final User<Q, R> user;
  private final CountDownLatch over = new CountDownLatch(1);

  @GuardedBy("this")
  private Connection<Q, R> current;

  /** That is being opened in the place of the current one. */
  @GuardedBy("this")
  private @Nullable Connection<Q, R> next;

  @GuardedBy("this")
  private boolean broken;

  @GuardedBy("this")
  private long changedAt = System.nanoTime();

  @GuardedBy("this")
  private @Nullable TransferBrokenException refusal;

  /**
   * How it is opened.
   *
   * @param name in messages: "page stream 1 of migration m-1"
   * @param connections makes one
   * @param calls makes the call over it
   * @param opening makes the first message, as it is to be now
   * @param whenTargetRestarted is told if the target has nothing any more that it could go on from,
   *     on a thread of the stream; must not block
   */
  record Way<Q, R>(
      String name,
      Supplier<ManagedChannel> connections,
      Function<Channel, ClientCall<Q, R>> calls,
      Opening<Q> opening,
      Runnable whenTargetRestarted) {}

  /** Makes the first message of a stream. */
  interface Opening<Q> {
    /**
     * Makes it.
     *
     * @param again whether it goes on where one broke
     */
    Q message(boolean again);
  }

  /** Who uses it. Called on the network's threads, or on that which opens it: must not block. */
  interface User<Q, R> {
    /** The target has answered over one of the streams. */
    void received(OutboundStream<Q, R> from, R response);

    /**
     * From now on this one is used. All before it have ended, and the target, which has accepted
     * it, stores nothing of theirs any more.
     */
    void changedTo(OutboundStream<Q, R> stream);

    /** This one was used and has ended. Called before {@link #changedTo} another. */
    void lost(OutboundStream<Q, R> stream);
  }

  private record Connection<Q, R>(ManagedChannel channel, OutboundStream<Q, R> stream) {
    void end(String why) {
      stream.cancel(why);
      channel.shutdownNow();
    }
  }

  /**
   * Begins to open it. Returns at once; {@link #awaitAccepted} tells whether it could be opened.
   */
  LastingStream(Way<Q, R> way, User<Q, R> user) {
    this.way = way;
    this.user = user;
    Connection<Q, R> first = connect();
    synchronized (this) {
      current = first;
    }
    user.changedTo(first.stream());
    first.stream().open(way.opening().message(false));
  }

  /**
   * Waits until the target has accepted it; while it is cut, until it is open again.
   *
   * @throws TransferBrokenException if the target refused it or, the first time, cannot be reached
   */
  void awaitAccepted() throws InterruptedException {
    for (OutboundStream<Q, R> stream = awaitOpen(); ; stream = awaitOpen()) {
      try {
        stream.awaitGrant();
        return;
      } catch (TransferBrokenException e) {
        if (!stream.wasOpened()) {
          throw e;
        }
        // Cut just now: the next is as good.
        awaitReplaced(stream);
      }
    }
  }

  /**
   * The stream to use now; waits while it is broken.
   *
   * @throws TransferBrokenException if the target has refused it, or it was cancelled
   */
  synchronized OutboundStream<Q, R> awaitOpen() throws InterruptedException {
    while (broken && mayComeBack()) {
      wait();
    }
    throwIfEnded();
    return current.stream();
  }

  /**
   * Waits until another is used in the place of one that has ended.
   *
   * @throws TransferBrokenException if the target has refused it, or it was cancelled
   */
  synchronized void awaitReplaced(OutboundStream<Q, R> old) throws InterruptedException {
    while (old.equals(current.stream()) && mayComeBack()) {
      wait();
    }
    throwIfEnded();
  }

  /**
   * The stream to use now.
   *
   * @throws TransferBrokenException if it is broken
   */
  synchronized OutboundStream<Q, R> requireOpen() {
    throwIfEnded();
    if (broken) {
      throw TransferBrokenException.cut(way.name() + " is cut", null);
    }
    return current.stream();
  }

  /**
   * Returns if it is, or will be, open.
   *
   * @throws TransferBrokenException if the target has refused it, or it was cancelled
   */
  synchronized void throwIfEnded() {
    if (refusal != null) {
      throw new TransferBrokenException(String.valueOf(refusal.getMessage()), refusal);
    }
    if (isOver()) {
      throw new TransferBrokenException(way.name() + " was ended here", null);
    }
  }

  /** How long it has been broken; zero if it is not, or is not opened again. */
  synchronized Duration brokenFor() {
    return broken && mayComeBack()
        ? Duration.ofNanos(System.nanoTime() - changedAt)
        : Duration.ZERO;
  }

  /** Ends it in order: nothing more will be sent. {@link #close} follows. */
  void finish() {
    end(OutboundStream::finish, "everything was sent");
  }

  /** Ends it at once. {@link #close} follows. */
  void cancel(String why) {
    end(stream -> stream.cancel(why), why);
  }

  /** Closes the connection when the stream has ended, or does not end soon. */
  void close() {
    ManagedChannel last;
    synchronized (this) {
      last = current.channel();
    }
    try {
      GrpcChannels.close(last, CLOSED);
    } catch (InterruptedException e) {
      last.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }

  private void end(Consumer<OutboundStream<Q, R>> how, String why) {
    OutboundStream<Q, R> last;
    @Nullable Connection<Q, R> opening;
    synchronized (this) {
      over.countDown();
      notifyAll();
      last = current.stream();
      opening = next;
    }
    how.accept(last);
    if (opening != null) {
      opening.end(why);
    }
  }

  private boolean isOver() {
    return over.getCount() == 0;
  }

  @GuardedBy("this")
  private boolean mayComeBack() {
    return refusal == null && !isOver();
  }

  private Connection<Q, R> connect() {
    ManagedChannel channel = way.connections().get();
    return new Connection<>(
        channel,
        new OutboundStream<>(way.name(), way.calls().apply(channel), user::received, this::ended));
  }

  private void ended(OutboundStream<Q, R> stream) {
    boolean openedAgain;
    boolean shortLived;
    synchronized (this) {
      // One that did not get as far as to be used is dealt with by who opens it.
      if (!stream.equals(current.stream())) {
        return;
      }
      broken = true;
      current.channel().shutdownNow();
      openedAgain = !isOver() && stream.wasOpened() && stream.wasCut();
      if (!isOver() && !openedAgain) {
        refusal = stream.end();
      }
      long now = System.nanoTime();
      shortLived = now - changedAt < LONGEST_DELAY.toNanos();
      changedAt = now;
      notifyAll();
    }
    user.lost(stream);
    if (openedAgain) {
      log.warn("{}; it is opened again", stream.end().getMessage());
      Thread.ofVirtual()
          .name("reopen " + way.name())
          .start(() -> openAgain(shortLived ? DOUBLINGS : 0));
    }
  }

  private void openAgain(int failuresBefore) {
    try {
      boolean done = false;
      for (int failures = failuresBefore;
          !done && !over.await(delay(failures).toNanos(), TimeUnit.NANOSECONDS);
          failures++) {
        try {
          done = tryToOpen();
        } catch (RuntimeException e) {
          // Without certificates, say, which may be there again in a moment.
          log.warn("{} cannot be opened again yet", way.name(), e);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** True if nothing more is to be tried. */
  private boolean tryToOpen() throws InterruptedException {
    Connection<Q, R> fresh = connect();
    synchronized (this) {
      if (isOver()) {
        fresh.channel().shutdownNow();
        return true;
      }
      next = fresh;
      // Under the lock, so that it is not cancelled before it is open.
      fresh.stream().open(way.opening().message(true));
    }
    try {
      fresh.stream().awaitGrant();
    } catch (TransferBrokenException e) {
      log.debug("{} cannot be opened again yet", way.name(), e);
    }
    boolean settled = settle(fresh);
    if (settled && fresh.stream().wasRefusedWith(Reason.TARGET_RESTARTED)) {
      way.whenTargetRestarted().run();
    }
    return settled;
  }

  /** True if nothing more is to be tried. */
  private synchronized boolean settle(Connection<Q, R> fresh) {
    next = null;
    boolean works = fresh.stream().wasOpened() && !fresh.stream().hasEnded();
    if (works && !isOver()) {
      log.info("{} is open again after {} ms", way.name(), brokenFor().toMillis());
      current = fresh;
      broken = false;
      changedAt = System.nanoTime();
      user.changedTo(fresh.stream());
      notifyAll();
      return true;
    }
    if (!isOver() && !fresh.stream().wasCut()) {
      refusal = fresh.stream().end();
      log.warn("{}; it is not opened again", refusal.getMessage());
      notifyAll();
    }
    fresh.end("it could not be opened");
    return !mayComeBack();
  }

  /** Doubles, with jitter, so that the streams of many migrations do not come back in step. */
  private static Duration delay(int failures) {
    long bound =
        Math.min(LONGEST_DELAY.toNanos(), FIRST_DELAY.toNanos() << Math.min(failures, DOUBLINGS));
    return Duration.ofNanos(bound / 2 + ThreadLocalRandom.current().nextLong(bound / 2 + 1));
  }
}
