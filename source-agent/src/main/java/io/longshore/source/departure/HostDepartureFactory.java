package io.longshore.source.departure;

import io.longshore.agent.host.Host;
import io.longshore.agent.journal.Journal;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.WorkloadName;
import io.longshore.agent.workload.ContainerPolicy;
import io.longshore.criu.pageserver.HeaderLayout;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuDump;
import io.longshore.criu.run.CriuFolder;
import io.longshore.linux.CgroupFence;
import io.longshore.linux.CgroupHierarchy;
import io.longshore.linux.CpuThrottle;
import io.longshore.linux.network.ServiceAddress;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.source.departure.Departure.Parts;
import io.longshore.source.pages.TransferBrokenException;
import io.longshore.source.runtime.Leaving;
import io.longshore.source.runtime.SourceRuntimes;
import io.longshore.source.tracking.DirtyTrackers;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes departures from this host. */
final class HostDepartureFactory implements DepartureFactory {
  private static final Logger log = LoggerFactory.getLogger(HostDepartureFactory.class);

  private final Host host;
  private final SourceRuntimes runtimes;
  private final Path workFolder;
  private final Journal journal;

  /**
   * @param workFolder on tmpfs
   */
  HostDepartureFactory(Host host, SourceRuntimes runtimes, Path workFolder, Journal journal) {
    this.host = host;
    this.runtimes = runtimes;
    this.workFolder = workFolder;
    this.journal = journal;
  }

  @Override
  public Departure create(
      MigrationRef ref,
      WorkloadName workload,
      ContainerPolicy policy,
      List<String> serviceAddresses,
      TransferTarget target,
      DataPlane plane,
      DataPlanes planes)
      throws InterruptedException {
    boolean prepared = false;
    try {
      Criu criu =
          host.criu()
              .orElseThrow(
                  () ->
                      new LongshoreException(
                          Reason.CRIU_MISSING, "the source has no CRIU that works on its kernel"));
      Leaving leaving = runtimes.find(workload, policy);
      int pid = leaving.root().pid();
      refuseFenced(pid);
      DepartureJournal begun =
          DepartureJournal.begin(
              journal,
              DepartureRecord.prepared(
                  ref, leaving.root(), leaving.record(), serviceAddresses, target));
      plane.awaitOpen();
      Parts parts =
          new Parts(
              leaving,
              criu,
              CriuFolder.create(workFolder.resolve(ref.id())),
              CgroupFence.create(ref.id(), List.of(pid)),
              addresses(begun.record(), false),
              planes(begun, planes),
              DirtyTrackers::forThisKernel);
      Departure departure = new Departure(begun, parts, plane);
      prepared = true;
      return departure;
    } catch (TransferBrokenException e) {
      throw new LongshoreException(Reason.TRANSFER_BROKEN, String.valueOf(e.getMessage()), e);
    } catch (NoSuchFileException e) {
      throw new LongshoreException(
          Reason.UNKNOWN_PROCESS, workload + " has ended on the source", e);
    } catch (IOException e) {
      throw new LongshoreException(
          Reason.INTERNAL, "cannot prepare " + workload + ": " + e.getMessage(), e);
    } finally {
      if (!prepared) {
        plane.cancel();
        deleteQuietly(new CriuFolder(workFolder.resolve(ref.id())));
        journal.remove(ref.id());
      }
    }
  }

  @Override
  public Departure takeUp(DepartureRecord record, DataPlanes planes) throws IOException {
    String id = record.ref().id();
    CriuFolder folder = new CriuFolder(workFolder.resolve(id));
    DepartureJournal read = DepartureJournal.takeUp(journal, record);
    try {
      // If what was to end it with the agent was killed too.
      CpuThrottle.endLeft(workFolder, id);
    } catch (IOException e) {
      log.error("Migration {}: it may still be slowed; see 'longshore doctor'", id, e);
    }
    Optional<CgroupFence> fence = CgroupFence.attach(CgroupHierarchy.forFreezing(), id);
    // Of a CRIU that is not there any more nothing is asked that its version matters for.
    HeaderLayout layout = host.criu().map(Criu::headerLayout).orElse(HeaderLayout.BYTES_32);
    Parts parts =
        new Parts(
            runtimes.takeUp(record.root(), record.runtime()),
            null,
            folder,
            fence.isPresent() ? fence.get() : CgroupFence.create(id, List.of()),
            addresses(record, true),
            planes(read, planes),
            DirtyTrackers::forThisKernel);
    return Departure.takenUp(read, parts, CriuDump.attach(folder.work(), layout).orElse(null));
  }

  private static HostSourceAddresses addresses(DepartureRecord record, boolean takenUp) {
    return new HostSourceAddresses(
        record.ref().id(),
        record.serviceAddresses().stream().map(ServiceAddress::parse).toList(),
        takenUp);
  }

  private static Supplier<DataPlane> planes(DepartureJournal journal, DataPlanes planes) {
    return () ->
        planes.open(journal.record().ref(), Objects.requireNonNull(journal.record().target()));
  }

  /** What another migration holds, known to this agent or not, is not to be frozen twice. */
  private static void refuseFenced(int pid) throws IOException {
    Optional<String> fence = CgroupFence.holding(CgroupHierarchy.forFreezing(), pid);
    if (fence.isPresent()) {
      throw new LongshoreException(
          Reason.WORKLOAD_BUSY,
          "process %d is held by the fence of migration %s; if that is over, longshore doctor removes it"
              .formatted(pid, fence.get()));
    }
  }

  private static void deleteQuietly(CriuFolder folder) {
    try {
      folder.delete();
    } catch (IOException e) {
      throw new LongshoreException(Reason.INTERNAL, "cannot remove " + folder.path(), e);
    }
  }
}
