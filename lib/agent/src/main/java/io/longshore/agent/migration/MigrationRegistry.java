package io.longshore.agent.migration;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * What an agent has for each migration, and the newest epoch it has seen for it. Orders of an older
 * epoch are refused. Thread-safe.
 *
 * @param <T> an agent's part of a migration
 */
public final class MigrationRegistry<T> {
  /** How many that are over are remembered, so that a late order still gets a definite answer. */
  private static final int REMEMBERED = 10_000;

  private final Predicate<T> isOver;

  @GuardedBy("this")
  private final Map<String, Entry<T>> entries = new LinkedHashMap<>();

  /**
   * @param isOver whether an agent's part is over, so that it may be forgotten
   */
  public MigrationRegistry(Predicate<T> isOver) {
    this.isOver = isOver;
  }

  /**
   * The agent's part of a migration, made if there is none.
   *
   * @throws LongshoreException STALE_EPOCH
   */
  public synchronized T getOrCreate(MigrationRef ref, Supplier<T> factory) {
    Entry<T> entry = entries.get(ref.id());
    if (entry == null) {
      forgetOldest();
      entry = new Entry<>(factory.get(), ref.epoch());
      entries.put(ref.id(), entry);
    }
    entry.admit(ref);
    return entry.part;
  }

  /** Takes up what an earlier run of the agent had. */
  public synchronized void takeUp(MigrationRef ref, T part) {
    entries.put(ref.id(), new Entry<>(part, ref.epoch()));
  }

  /**
   * The agent's part of a migration.
   *
   * @throws LongshoreException STALE_EPOCH
   */
  public synchronized Optional<T> find(MigrationRef ref) {
    Entry<T> entry = entries.get(ref.id());
    if (entry == null) {
      return Optional.empty();
    }
    entry.admit(ref);
    return Optional.of(entry.part);
  }

  /**
   * The agent's part of a migration.
   *
   * @throws LongshoreException STALE_EPOCH, or NOT_FOUND if there is none
   */
  public T get(MigrationRef ref) {
    return find(ref).orElseThrow(() -> notFound(ref));
  }

  /**
   * The agent's part of a migration, for somebody who is not known to speak for the coordinator
   * yet: an older epoch is refused, a newer one is not taken note of.
   *
   * @throws LongshoreException STALE_EPOCH, or NOT_FOUND if there is none
   */
  public synchronized T look(MigrationRef ref) {
    Entry<T> entry = entries.get(ref.id());
    if (entry == null) {
      throw notFound(ref);
    }
    entry.refuseOlder(ref);
    return entry.part;
  }

  /** All parts, the oldest first. */
  public synchronized List<T> all() {
    return entries.values().stream().map(entry -> entry.part).toList();
  }

  @GuardedBy("this")
  private void forgetOldest() {
    var oldest = entries.entrySet().iterator();
    while (entries.size() >= REMEMBERED && oldest.hasNext()) {
      if (isOver.test(oldest.next().getValue().part)) {
        oldest.remove();
      }
    }
  }

  private static LongshoreException notFound(MigrationRef ref) {
    return new LongshoreException(Reason.NOT_FOUND, "this agent has no migration " + ref.id());
  }

  private static final class Entry<T> {
    final T part;
    private long epoch;

    Entry(T part, long epoch) {
      this.part = part;
      this.epoch = epoch;
    }

    void admit(MigrationRef ref) {
      refuseOlder(ref);
      epoch = ref.epoch();
    }

    void refuseOlder(MigrationRef ref) {
      if (ref.epoch() < epoch) {
        throw new LongshoreException(
            Reason.STALE_EPOCH,
            "migration %s is at epoch %d here; an order of epoch %d is refused"
                .formatted(ref.id(), epoch, ref.epoch()));
      }
    }
  }
}
