package io.longshore.acceptance.load;

import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
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
final class LoadConnection implements LoadThread {
  private final int index;
  private final Connection connection;
  private final Content content;
  private final Zipf filledKeys;
  private final Zipf chosenOwned;
  private final long pauseNanos;
  private final Phases phases;
  private final BooleanSupplier stopped;
  private final SplittableRandom random;
  private final OwnedVersions owned;
  private final byte[] value;
  private final byte[][] ownedKeys;
  private final Answers answers;
  private long lastAnswer;

  LoadConnection(
      int index,
      Connection connection,
      Content content,
      Zipf filledKeys,
      Zipf chosenOwned,
      long pauseNanos,
      int keysOwned,
      Phases phases,
      BooleanSupplier stopped) {
    this.index = index;
    this.connection = connection;
    this.content = content;
    this.filledKeys = filledKeys;
    this.chosenOwned = chosenOwned;
    this.pauseNanos = pauseNanos;
    this.phases = phases;
    answers = new Answers(phases.origin());
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
    lastAnswer = System.nanoTime();
    try {
      for (int key = 0; key < owned.keys(); key++) {
        ask(key, true);
      }
      while (!stopped.getAsBoolean()) {
        LockSupport.parkNanos(pauseNanos);
        int choice = random.nextInt(4);
        int key = choice == 3 ? -1 : chosenOwned.next(random);
        ask(key, choice < 2);
      }
    } catch (JedisConnectionException e) {
      answers.lost(e, phases.now(), lastAnswer, System.nanoTime());
    }
    connection.close();
  }

  private void ask(int key, boolean write) {
    long start = System.nanoTime();
    try {
      boolean right = write ? write(key) : key < 0 ? readFilled() : readOwned(key);
      if (right) {
        long end = System.nanoTime();
        answers.answered(phases.now(), lastAnswer, start, end);
        lastAnswer = end;
      } else {
        answers.wrong();
      }
    } catch (JedisDataException e) {
      answers.failed(e);
    }
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
    long id = Content.filled(filledKeys.next(random));
    connection.sendCommand(Protocol.Command.GET, Content.key(id));
    byte @Nullable [] answer = connection.getBinaryBulkReply();
    return answer != null && content.matches(id, 0, answer);
  }

  OwnedVersions owned() {
    return owned;
  }

  @Override
  public Answers answers() {
    return answers;
  }
}
