package io.longshore.source.departure;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.migration.MigrationRegistry;
import io.longshore.agent.migration.Step;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.lifecycle.Component;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All migrations from this host. Thread-safe. */
public final class Departures implements Component {
  private static final Logger log = LoggerFactory.getLogger(Departures.class);

  private final DepartureFactory factory;
  private final MigrationRegistry<Entry> migrations = new MigrationRegistry<>(Entry::isOver);

  /** None yet. */
  public Departures(DepartureFactory factory) {
    this.factory = factory;
  }

  /**
   * Verifies the workload, connects to the target and builds the fence. Repeated: answers the same.
   *
   * @param plane opens the data streams
   * @throws LongshoreException UNKNOWN_PROCESS, WORKLOAD_BUSY, TRANSFER_BROKEN, WRONG_PHASE if it
   *     was rolled back
   */
  public void prepare(
      MigrationRef ref, int pid, List<String> serviceAddresses, Supplier<DataPlane> plane) {
    Entry entry = admit(ref, pid);
    CompletableFuture<Departure> prepared;
    synchronized (entry) {
      if (entry.rolledBack) {
        throw new LongshoreException(
            Reason.WRONG_PHASE, "migration " + ref.id() + " was rolled back on the source");
      }
      prepared =
          entry.prepare.order(
              () -> {
                DataPlane opening = plane.get();
                entry.plane = opening;
                if (entry.rolledBack) {
                  opening.cancel();
                }
                // Before the step is over, so that a roll-back that waited for it finds it.
                Departure made = factory.create(ref, pid, serviceAddresses, opening);
                entry.departure = made;
                return made;
              });
    }
    var _ = Step.join(prepared);
  }

  /** The departure of a migration that was prepared. */
  public Departure get(MigrationRef ref) {
    return find(ref)
        .orElseThrow(
            () ->
                new LongshoreException(
                    Reason.NOT_FOUND, "migration " + ref.id() + " was not prepared here"));
  }

  @Override
  public void start() {}

  /** The departure of a migration, if it was prepared. */
  public Optional<Departure> find(MigrationRef ref) {
    return migrations.find(ref).flatMap(entry -> Optional.ofNullable(entry.departure));
  }

  /**
   * Lets the workload of a migration run on, also if the migration is not known: a late order to
   * prepare it is refused then.
   */
  public void rollBack(MigrationRef ref) {
    Entry entry = migrations.getOrCreate(ref, Entry::new);
    synchronized (entry) {
      entry.rolledBack = true;
    }
    DataPlane opening = entry.plane;
    if (opening != null && entry.departure == null) {
      // The target may never answer; it must not keep the workload from running on.
      opening.cancel();
    }
    entry.prepare.awaitEnd();
    Departure departure = entry.departure;
    if (departure != null) {
      departure.rollBack();
    }
  }

  /**
   * Lets run on what was prepared and never frozen. What is frozen stays so: only the coordinator
   * may decide.
   */
  @Override
  public void stop() {
    for (Entry entry : migrations.all()) {
      Departure departure = entry.departure;
      if (departure != null && departure.phase() == Phase.PREPARED) {
        try {
          departure.rollBack();
        } catch (RuntimeException e) {
          log.warn("Cannot roll back process {}", departure.rootPid(), e);
        }
      }
    }
  }

  /** One at a time: two migrations of a process must not both find it free. */
  private synchronized Entry admit(MigrationRef ref, int pid) {
    Optional<Entry> same = migrations.find(ref);
    if (same.isPresent() && same.get().pid != 0) {
      return same.get();
    }
    for (Entry other : migrations.all()) {
      if (other.pid == pid && !other.isOver() && !same.equals(Optional.of(other))) {
        throw new LongshoreException(
            Reason.WORKLOAD_BUSY, "process " + pid + " is part of another migration");
      }
    }
    Entry entry = migrations.getOrCreate(ref, Entry::new);
    entry.pid = pid;
    return entry;
  }

  private static final class Entry {
    final Step<Departure> prepare = new Step<>("prepare");
    volatile int pid;
    volatile boolean rolledBack;
    volatile @Nullable DataPlane plane;
    volatile @Nullable Departure departure;

    boolean isOver() {
      Departure prepared = departure;
      if (prepared == null) {
        return rolledBack;
      }
      return switch (prepared.phase()) {
        case PREPARED, FROZEN -> false;
        case RELEASED, ROLLED_BACK -> true;
      };
    }
  }
}
