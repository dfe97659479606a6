package io.longshore.source.departure;

import io.longshore.agent.journal.JournalEntry;
import io.longshore.agent.journal.JournalFormatException;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.platform.value.HostPort;
import io.longshore.source.runtime.RootProcess;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the source holds for a migration, as it is written to the journal. What the kernel keeps is
 * looked up there after a restart and not repeated here: the fence, whether it is frozen, CRIU.
 *
 * @param ref with the newest epoch that was seen
 * @param phase where it stands
 * @param root of the workload
 * @param runtime what runs it, and what that needs to go on
 * @param serviceAddresses that leave with it
 * @param target where the data streams go; null once it is over
 * @param bandwidth how fast it may send
 * @param frozen what the freeze led to; null before, and if the agent ended before that was written
 */
record DepartureRecord(
    MigrationRef ref,
    Phase phase,
    RootProcess root,
    RuntimeRecord runtime,
    List<String> serviceAddresses,
    @Nullable TransferTarget target,
    BandwidthLimit bandwidth,
    @Nullable FreezeResult frozen) {
  DepartureRecord {
    serviceAddresses = List.copyOf(serviceAddresses);
  }

  static DepartureRecord prepared(
      MigrationRef ref,
      RootProcess root,
      RuntimeRecord runtime,
      List<String> serviceAddresses,
      TransferTarget target) {
    return new DepartureRecord(
        ref, Phase.PREPARED, root, runtime, serviceAddresses, target, BandwidthLimit.NONE, null);
  }

  /** Nothing is held; only the outcome is remembered, for late orders. */
  static DepartureRecord over(MigrationRef ref, Phase phase) {
    return new DepartureRecord(
        ref,
        phase,
        RootProcess.NONE,
        RuntimeRecord.ofProcess(0),
        List.of(),
        null,
        BandwidthLimit.NONE,
        null);
  }

  DepartureRecord in(Phase next) {
    return next.isOver()
        ? new DepartureRecord(ref, next, root, runtime, List.of(), null, BandwidthLimit.NONE, null)
        : new DepartureRecord(
            ref, next, root, runtime, serviceAddresses, target, bandwidth, frozen);
  }

  DepartureRecord at(long epoch) {
    return new DepartureRecord(
        new MigrationRef(ref.id(), epoch),
        phase,
        root,
        runtime,
        serviceAddresses,
        target,
        bandwidth,
        frozen);
  }

  DepartureRecord frozen(FreezeResult result) {
    return new DepartureRecord(
        ref, Phase.FROZEN, root, runtime, serviceAddresses, target, bandwidth, result);
  }

  DepartureRecord limited(BandwidthLimit limit) {
    return new DepartureRecord(ref, phase, root, runtime, serviceAddresses, target, limit, frozen);
  }

  JournalEntry entry() {
    JournalEntry entry = JournalEntry.of(ref, phase.name());
    if (phase.isOver() || target == null) {
      return entry;
    }
    entry =
        runtime
            .in(entry)
            .with("root.pid", root.pid())
            .with("root.start", root.startTime())
            .with("root.boot", root.boot())
            .with("addresses", serviceAddresses)
            .with("target.endpoint", target.endpoint().toString())
            .with("target.secret", target.secretInHex())
            .with("bandwidth", bandwidth.bytesPerSecond())
            .with("bandwidth.revision", bandwidth.revision());
    return frozen == null
        ? entry
        : entry
            .with("freeze.nanos", frozen.freezeTime().toNanos())
            .with("freeze.start-nanos", frozen.startNanos())
            .with("freeze.image-bytes", frozen.imageBytes())
            .with("freeze.pages", frozen.pages())
            .with("freeze.stale-pages", frozen.stalePages());
  }

  static DepartureRecord of(JournalEntry entry) throws JournalFormatException {
    try {
      Phase phase = Phase.valueOf(entry.phase());
      if (phase.isOver()) {
        return over(entry.ref(), phase);
      }
      RootProcess root =
          new RootProcess(
              Math.toIntExact(entry.number("root.pid")),
              entry.number("root.start"),
              entry.text("root.boot"));
      return new DepartureRecord(
          entry.ref(),
          phase,
          root,
          RuntimeRecord.of(entry, root.pid()),
          entry.list("addresses"),
          new TransferTarget(
              HostPort.parse(entry.text("target.endpoint")),
              HexFormat.of().parseHex(entry.text("target.secret"))),
          bandwidth(entry),
          freezeResult(entry));
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new JournalFormatException("a value cannot be: " + e.getMessage(), e);
    }
  }

  private static BandwidthLimit bandwidth(JournalEntry entry) throws JournalFormatException {
    // Of before there were limits: there is none.
    return entry.find("bandwidth").isEmpty()
        ? BandwidthLimit.NONE
        : new BandwidthLimit(entry.number("bandwidth"), entry.number("bandwidth.revision"));
  }

  private static @Nullable FreezeResult freezeResult(JournalEntry entry)
      throws JournalFormatException {
    return entry.find("freeze.nanos").isEmpty()
        ? null
        : new FreezeResult(
            Duration.ofNanos(entry.number("freeze.nanos")),
            entry.number("freeze.start-nanos"),
            entry.number("freeze.image-bytes"),
            entry.number("freeze.pages"),
            // Of before there were rounds: then all are.
            entry.find("freeze.stale-pages").isPresent()
                ? entry.number("freeze.stale-pages")
                : entry.number("freeze.pages"));
  }
}
