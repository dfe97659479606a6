package io.longshore.source.departure;

import io.longshore.agent.host.Host;
import io.longshore.agent.journal.Journal;
import io.longshore.agent.journal.JournalContents;
import io.longshore.agent.journal.JournalEntry;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.migration.MigrationRegistry;
import io.longshore.agent.migration.Step;
import io.longshore.agent.runtime.WorkloadName;
import io.longshore.agent.workload.ContainerPolicy;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.lifecycle.Component;
import io.longshore.source.runtime.SourceRuntimes;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All migrations from this host. When it is started it takes up what the journal says that an
 * earlier run of the agent held. Thread-safe.
 */
public final class Departures implements Component {
  private static final Logger log = LoggerFactory.getLogger(Departures.class);

  /** How long the outcome of a migration is remembered for orders that come late. */
  private static final Duration REMEMBERED = Duration.ofDays(1);

  private final DepartureFactory factory;
  private final DataPlanes planes;
  private final Journal journal;
  private final MigrationRegistry<Entry> migrations = new MigrationRegistry<>(Entry::isOver);
  private final Queue<Thread> reconnecting = new ConcurrentLinkedQueue<>();
  private volatile Map<String, String> damaged = Map.of();

  Departures(DepartureFactory factory, DataPlanes planes, Journal journal) {
    this.factory = factory;
    this.planes = planes;
    this.journal = journal;
  }

  /**
   * From this host; none yet.
   *
   * @param workFolder for images, on tmpfs
   */
  public static Departures ofHost(
      Host host, SourceRuntimes runtimes, Path workFolder, Journal journal, DataPlanes planes) {
    return new Departures(
        new HostDepartureFactory(host, runtimes, workFolder, journal), planes, journal);
  }

  /**
   * Takes up what the journal holds: lets run on what was not frozen, and keeps the rest. A
   * migration that cannot be taken up does not keep the agent from starting.
   */
  @Override
  public void start() {
    JournalContents contents = journal.read();
    Map<String, String> unusable = new ConcurrentHashMap<>(contents.damaged());
    damaged = unusable;
    contents
        .damaged()
        .forEach((id, what) -> log.error("Migration {}: {}; orders for it are refused", id, what));
    for (JournalEntry entry : contents.entries()) {
      try {
        takeUp(DepartureRecord.of(entry));
      } catch (IOException | RuntimeException e) {
        log.error("Migration {}: cannot be taken up", entry.ref().id(), e);
        // Else it would count as one that was never here, and a roll-back of it as done.
        unusable.put(entry.ref().id(), "its journal cannot be taken up: " + e.getMessage());
      }
    }
  }

  private void takeUp(DepartureRecord record) throws IOException {
    String id = record.ref().id();
    if (record.phase().isOver() && journal.written(id).isBefore(Instant.now().minus(REMEMBERED))) {
      journal.remove(id);
      return;
    }
    Entry entry = new Entry();
    if (!record.phase().isOver()) {
      entry.workload = record.runtime().workload();
    }
    migrations.takeUp(record.ref(), entry);
    if (record.phase().isOver()) {
      entry.rolledBack = record.phase() != Phase.RELEASED;
      entry.overSince = record.phase();
      return;
    }
    Departure departure = factory.takeUp(record, planes);
    entry.departure = departure;
    var _ = entry.prepare.order(() -> departure);
    log.info(
        "Migration {}: taken up, process {} is {}", id, departure.rootPid(), departure.phase());
    departure.settle();
    reconnecting.add(
        Thread.ofVirtual().name("reconnect-" + id).start(() -> reconnect(id, departure)));
  }

  private static void reconnect(String id, Departure departure) {
    try {
      departure.reconnect();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      log.error("Migration {}: cannot be connected to its target", id, e);
    }
  }

  /**
   * Verifies the workload, connects to the target and builds the fence. Repeated: answers the same.
   *
   * @throws LongshoreException UNKNOWN_PROCESS, UNKNOWN_CONTAINER, RUNTIME_MISSING, WORKLOAD_BUSY,
   *     TRANSFER_BROKEN, JOURNAL_FAILED, WRONG_PHASE if it was rolled back
   */
  public void prepare(
      MigrationRef ref,
      WorkloadName workload,
      ContainerPolicy policy,
      List<String> serviceAddresses,
      TransferTarget target) {
    refuseDamaged(ref);
    Entry entry = admit(ref, workload);
    CompletableFuture<Departure> prepared;
    synchronized (entry) {
      if (entry.rolledBack || entry.isOver()) {
        throw new LongshoreException(
            Reason.WRONG_PHASE,
            "migration %s is over on the source: it was rolled back, as when its agent is restarted before the freeze; repeat it with another"
                .formatted(ref.id()));
      }
      prepared =
          entry.prepare.order(
              () -> {
                DataPlane opening = planes.open(ref, target);
                entry.plane = opening;
                if (entry.rolledBack) {
                  opening.cancel();
                }
                try {
                  // Before the step is over, so that a roll-back that waited for it finds it.
                  Departure made =
                      factory.create(
                          ref, workload, policy, serviceAddresses, target, opening, planes);
                  entry.departure = made;
                  return made;
                } finally {
                  entry.plane = null;
                }
              });
    }
    Step.join(prepared).admit(ref.epoch());
  }

  /**
   * The departure of a migration that was prepared and is not over since before the agent started.
   */
  public Departure get(MigrationRef ref) {
    return find(ref)
        .orElseThrow(
            () ->
                new LongshoreException(
                    Reason.NOT_FOUND, "migration " + ref.id() + " was not prepared here"));
  }

  /** The departure of a migration, if it was prepared. */
  public Optional<Departure> find(MigrationRef ref) {
    refuseDamaged(ref);
    Optional<Departure> found =
        migrations.find(ref).flatMap(entry -> Optional.ofNullable(entry.departure));
    found.ifPresent(departure -> departure.admit(ref.epoch()));
    return found;
  }

  /** Where the source's part of a migration stands, if it is known. */
  public Optional<Phase> phase(MigrationRef ref) {
    Optional<Departure> departure = find(ref);
    return departure.isPresent()
        ? departure.map(Departure::phase)
        : migrations.find(ref).flatMap(entry -> Optional.ofNullable(entry.overSince));
  }

  /**
   * Ends the frozen copy of a migration; done before, also by an earlier run, it is done.
   *
   * @param abandoned an operator decided that it ends even if the target does not have all pages
   */
  public void release(MigrationRef ref, boolean abandoned) {
    Phase now = phase(ref).orElse(Phase.PREPARED);
    if (now != Phase.RELEASED && now != Phase.LOST) {
      get(ref).release(abandoned);
    }
  }

  /**
   * Lets the workload of a migration run on, also if the migration is not known: a late order to
   * prepare it is refused then.
   *
   * @throws LongshoreException WORKLOAD_LOST if there is nothing left that could run on
   */
  public void rollBack(MigrationRef ref) {
    refuseDamaged(ref);
    Entry entry = migrations.getOrCreate(ref, Entry::new);
    boolean first;
    synchronized (entry) {
      first = !entry.rolledBack;
      entry.rolledBack = true;
    }
    refuseOver(ref, entry);
    DataPlane opening = entry.plane;
    if (opening != null && entry.departure == null) {
      // The target may never answer; it must not keep the workload from running on.
      opening.cancel();
    }
    entry.prepare.awaitEnd();
    Departure departure = entry.departure;
    if (departure != null) {
      // The epoch is written down with the outcome: a full disk must not keep it frozen.
      departure.rollBack();
    } else if (first) {
      remember(ref);
    }
  }

  /**
   * Lets run on what was prepared and nobody ordered to freeze. What is frozen, or may be, stays
   * so: only the coordinator may decide.
   */
  @Override
  public void stop() {
    reconnecting.forEach(Thread::interrupt);
    for (Entry entry : migrations.all()) {
      Departure departure = entry.departure;
      if (departure != null) {
        try {
          departure.rollBackUnlessFreezing();
        } catch (RuntimeException e) {
          log.warn("Cannot roll back process {}", departure.rootPid(), e);
        }
      }
    }
  }

  private void refuseDamaged(MigrationRef ref) {
    String what = damaged.get(ref.id());
    if (what != null) {
      throw new LongshoreException(
          Reason.JOURNAL_FAILED,
          what + "; look at the node with longshore doctor, remove the file, restart the agent");
    }
  }

  private static void refuseOver(MigrationRef ref, Entry entry) {
    Phase over = entry.overSince;
    if (over == Phase.RELEASED) {
      throw new LongshoreException(
          Reason.WRONG_PHASE, "migration " + ref.id() + " was released on the source");
    }
    if (over == Phase.LOST) {
      throw new LongshoreException(
          Reason.WORKLOAD_LOST, "the workload of migration " + ref.id() + " is gone");
    }
  }

  /** So that a late order to prepare it is refused by the next run of the agent too. */
  private void remember(MigrationRef ref) {
    try {
      journal.write(DepartureRecord.over(ref, Phase.ROLLED_BACK).entry());
    } catch (LongshoreException e) {
      log.warn("Migration {}: {}", ref.id(), e.getMessage());
    }
  }

  /** One at a time: two migrations of a workload must not both find it free. */
  private synchronized Entry admit(MigrationRef ref, WorkloadName workload) {
    Optional<Entry> same = migrations.find(ref);
    if (same.isPresent() && same.get().workload != null) {
      return same.get();
    }
    for (Entry other : migrations.all()) {
      if (workload.equals(other.workload) && !other.isOver() && !same.equals(Optional.of(other))) {
        throw new LongshoreException(
            Reason.WORKLOAD_BUSY, workload + " is part of another migration");
      }
    }
    Entry entry = migrations.getOrCreate(ref, Entry::new);
    entry.workload = workload;
    return entry;
  }

  private static final class Entry {
    final Step<Departure> prepare = new Step<>("prepare");
    volatile @Nullable WorkloadName workload;
    volatile boolean rolledBack;
    volatile @Nullable Phase overSince;

    /** Until it is the departure's. */
    volatile @Nullable DataPlane plane;

    volatile @Nullable Departure departure;

    boolean isOver() {
      Departure prepared = departure;
      if (prepared == null) {
        return rolledBack || overSince != null;
      }
      return prepared.phase().isOver();
    }
  }
}
