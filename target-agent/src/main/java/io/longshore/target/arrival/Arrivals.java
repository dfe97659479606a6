package io.longshore.target.arrival;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.migration.MigrationRegistry;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.lifecycle.Component;
import java.io.IOException;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;

/** All migrations to this host. Thread-safe. */
public final class Arrivals implements Component {
  private final ArrivalFactory factory;
  private final MigrationRegistry<Arrival> migrations = new MigrationRegistry<>(Arrival::isOver);

  /** None yet. */
  public Arrivals(ArrivalFactory factory) {
    this.factory = factory;
  }

  /**
   * Reserves what a workload needs. Repeated: answers the same.
   *
   * @throws LongshoreException OUT_OF_MEMORY if it does not fit; WRONG_PHASE if it was aborted
   *     before
   */
  public Arrival prepare(MigrationRef ref, WorkloadFacts facts) {
    // Summed up while nobody else can be admitted, else two could be promised the same memory.
    Arrival arrival =
        migrations.getOrCreate(ref, () -> factory.create(ref, facts, promisedBytes()));
    if (arrival.phase() == Phase.ABORTED) {
      throw new LongshoreException(
          Reason.WRONG_PHASE,
          "migration %s was aborted on the target, as when its agent is restarted before the freeze; repeat it with another"
              .formatted(ref.id()));
    }
    if (arrival.phase() == Phase.PREPARED) {
      arrival.prepare();
    }
    return arrival;
  }

  /** The arrival of a migration. */
  public Arrival get(MigrationRef ref) {
    return migrations.get(ref);
  }

  @Override
  public void start() throws IOException {
    factory.takeUp().forEach(arrival -> migrations.takeUp(arrival.ref(), arrival));
  }

  /** The arrival of a migration, if there is one. */
  public Optional<Arrival> find(MigrationRef ref) {
    return migrations.find(ref);
  }

  /**
   * Makes sure that a workload will never run here, also if its migration is not known: a late
   * order to prepare it is refused then.
   *
   * @param abandoned an operator decided that it ends here even if it was let run
   */
  public void abort(MigrationRef ref, boolean abandoned) {
    migrations.getOrCreate(ref, () -> Arrival.aborted(ref)).abort(abandoned);
  }

  /**
   * Admits a data stream. Whoever opens one does not speak for the coordinator: its epoch is
   * compared and not taken over.
   *
   * @throws LongshoreException NOT_FOUND, STALE_EPOCH, WRONG_SECRET, WRONG_PHASE
   */
  public Arrival open(String migrationId, long epoch, byte[] secret) {
    Arrival arrival = migrations.look(new MigrationRef(migrationId, epoch));
    // Its secret went with the agent that had it; that would be a misleading answer.
    arrival.refuseIfStranded();
    byte[] right = arrival.secret();
    if (right.length == 0 || !MessageDigest.isEqual(right, secret)) {
      throw new LongshoreException(
          Reason.WRONG_SECRET, "the secret does not open migration " + migrationId);
    }
    return arrival;
  }

  /**
   * Aborts what has not been resumed. What runs here and is still being filled is left to its
   * keeper: it waits.
   */
  @Override
  public void stop() {
    List<Arrival> unfinished =
        migrations.all().stream().filter(arrival -> arrival.phase().isBeforeStep()).toList();
    unfinished.forEach(arrival -> arrival.abort(false));
  }

  private long promisedBytes() {
    return migrations.all().stream().mapToLong(Arrival::promisedBytes).sum();
  }
}
