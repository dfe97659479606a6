package io.longshore.acceptance.load;

import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Connection;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * One connection and its thread: half of its requests write the next version of a key that it owns,
 * a quarter reads an owned key, a quarter a filled one. It never connects again: when the
 * connection breaks it is lost. Its figures may be read once {@link #run} has returned.
 */
final class LoadConnection implements Runnable {
  private final int index;
  private final Connection connection;
  private final Content content;
  private final long filledKeys;
  private final long pauseNanos;
  private final Supplier<Phase> phase;
  private final BooleanSupplier stopped;
  private final SplittableRandom random;
  private final OwnedVersions owned;
  private final byte[] value;
  private final byte[][] ownedKeys;
  private final HistogramPerPhase latencies = new HistogramPerPhase();
  private final HistogramPerPhase gaps = new HistogramPerPhase();
  private long requests;
  private long failed;
  private long wrong;
  private @Nullable String firstError;
  private boolean lost;

  LoadConnection(
      int index,
      Connection connection,
      Content content,
      long filledKeys,
      long pauseNanos,
      int keysOwned,
      Supplier<Phase> phase,
      BooleanSupplier stopped) {
    this.index = index;
    this.connection = connection;
    this.content = content;
    this.filledKeys = filledKeys;
    this.pauseNanos = pauseNanos;
    this.phase = phase;
    this.stopped = stopped;
    random = new SplittableRandom(index);
    owned = new OwnedVersions(keysOwned);
    value = content.newValue();
    ownedKeys = new byte[keysOwned][];
    for (int key = 0; key < keysOwned; key++) {
      ownedKeys[key] = Content.key(Content.owned(index, key));
    }
  }

  @Override
  public void run() {
    long answered = System.nanoTime();
    try {
      for (int key = 0; key < owned.keys(); key++) {
        answered = timed(answered, key, true);
      }
      while (!stopped.getAsBoolean()) {
        LockSupport.parkNanos(pauseNanos);
        int choice = random.nextInt(4);
        int key = choice == 3 ? -1 : random.nextInt(owned.keys());
        answered = timed(answered, key, choice < 2);
      }
    } catch (JedisConnectionException e) {
      lost = true;
      failed++;
      remember(e);
      gaps.of(phase.get()).record(System.nanoTime() - answered);
    }
    connection.close();
  }

  /**
   * Makes one request. Returns when it was answered, or {@code before} if the answer was no
   * success.
   */
  private long timed(long before, int key, boolean write) {
    long start = System.nanoTime();
    boolean right;
    requests++;
    try {
      right = write ? write(key) : key < 0 ? readFilled() : readOwned(key);
      wrong += right ? 0 : 1;
    } catch (JedisDataException e) {
      right = false;
      remember(e);
    }
    if (!right) {
      failed++;
      return before;
    }
    long end = System.nanoTime();
    Phase now = phase.get();
    latencies.of(now).record(end - start);
    gaps.of(now).record(end - before);
    return end;
  }

  private boolean write(int key) {
    content.write(Content.owned(index, key), owned.version(key) + 1L, value);
    owned.writeBegins(key);
    connection.sendCommand(Protocol.Command.SET, ownedKeys[key], value);
    boolean right = "OK".equals(connection.getStatusCodeReply());
    owned.writeAnswered(key);
    return right;
  }

  private boolean readOwned(int key) {
    connection.sendCommand(Protocol.Command.GET, ownedKeys[key]);
    byte @Nullable [] answer = connection.getBinaryBulkReply();
    return answer != null && content.matches(Content.owned(index, key), owned.version(key), answer);
  }

  private boolean readFilled() {
    long id = Content.filled(random.nextLong(filledKeys));
    connection.sendCommand(Protocol.Command.GET, Content.key(id));
    byte @Nullable [] answer = connection.getBinaryBulkReply();
    return answer != null && content.matches(id, 0, answer);
  }

  private void remember(RuntimeException e) {
    if (firstError == null) {
      firstError = e.toString();
    }
  }

  OwnedVersions owned() {
    return owned;
  }

  /** Times from sending a request until its answer was read, of successful ones. */
  LatencyHistogram latencies(Phase phase) {
    return latencies.of(phase);
  }

  /** Times between two successful answers; the last one may end with the loss of the connection. */
  LatencyHistogram gaps(Phase phase) {
    return gaps.of(phase);
  }

  long requests() {
    return requests;
  }

  /** Requests that failed, were never answered or were answered wrongly. */
  long failed() {
    return failed;
  }

  /** Requests that were answered wrongly. */
  long wrong() {
    return wrong;
  }

  boolean isLost() {
    return lost;
  }

  @Nullable String firstError() {
    return firstError;
  }
}
