package io.longshore.target.arrival;

import io.longshore.agent.host.Host;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFolder;
import io.longshore.linux.HostFacts;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.arrival.Arrival.Parts;
import io.longshore.target.images.ImageFolder;
import io.longshore.target.network.HostAddressArrival;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageStore;
import io.longshore.target.restore.Restoration;
import io.longshore.target.runtime.Coming;
import io.longshore.target.runtime.TargetRuntimes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes arrivals on this host. */
public final class HostArrivalFactory implements ArrivalFactory {
  private static final Logger log = LoggerFactory.getLogger(HostArrivalFactory.class);

  /**
   * For images other than memory, and for what the workload grows by between the look at it and the
   * freeze.
   */
  private static final long MARGIN_BYTES = 64L << 20;

  private final Host host;
  private final TargetRuntimes runtimes;
  private final Path workFolder;

  /**
   * @param workFolder on tmpfs
   */
  public HostArrivalFactory(Host host, TargetRuntimes runtimes, Path workFolder) {
    this.host = host;
    this.runtimes = runtimes;
    this.workFolder = workFolder;
  }

  @Override
  public Arrival create(MigrationRef ref, WorkloadFacts facts, long promisedBytes) {
    Criu criu =
        host.criu()
            .orElseThrow(
                () ->
                    new LongshoreException(
                        Reason.CRIU_MISSING, "the target has no CRIU that works on its kernel"));
    // Growth between the look and the freeze is normal: an eighth more, but no less than the
    // margin.
    long privateLimit = facts.privateBytes() + facts.privateBytes() / 8 + MARGIN_BYTES;
    // All of it may come inside the images: CRIU takes no page of a process for lazy if the stack
    // pointer of a thread happens to be at the start of a page (mem.c, is_stack).
    long imageLimit = privateLimit + facts.sharedBytes() + facts.sharedBytes() / 8;
    Path path = workFolder.resolve(ref.id());
    boolean created = false;
    try {
      admit(facts, promisedBytes);
      CriuFolder folder = CriuFolder.create(path);
      Coming coming = runtimes.expect(ref, facts, folder);
      ArrivalNotes notes = ArrivalNotes.begin(folder.path(), ref, coming.record());
      // Shared memory comes in rounds too, and is kept until the images that it belongs into are
      // here.
      PageStore pages = new PageStore(imageLimit);
      Demands demands = new Demands();
      Restoration restoration = new Restoration(criu, coming, folder, pages, demands);
      restoration.whenHeld(notes::held);
      restoration.whenFilled(notes::filled);
      restoration.whenBroken(notes::broken);
      Arrival arrival =
          new Arrival(
              ref,
              new Parts(
                  folder,
                  notes,
                  new ImageFolder(folder.images(), imageLimit),
                  pages,
                  demands,
                  restoration,
                  HostAddressArrival.of(ref.id(), facts.serviceAddresses()),
                  promise(facts)));
      created = true;
      return arrival;
    } catch (IOException e) {
      throw new LongshoreException(
          Reason.INTERNAL, "cannot prepare " + workFolder + ": " + e.getMessage(), e);
    } finally {
      if (!created) {
        removeQuietly(path);
      }
    }
  }

  /** Nobody would know of it: the abort that follows is of a migration that never was here. */
  private static void removeQuietly(Path path) {
    try {
      new CriuFolder(path).delete();
    } catch (IOException e) {
      log.warn("Could not remove {}", path, e);
    }
  }

  @Override
  public List<Arrival> takeUp() throws IOException {
    return FoundCopies.takeUp(workFolder, runtimes);
  }

  /** Shared memory is there three times at most: as it came in rounds, in images, and restored. */
  private static long promise(WorkloadFacts facts) {
    return facts.privateBytes() + 3 * facts.sharedBytes();
  }

  private static void admit(WorkloadFacts facts, long promisedBytes) throws IOException {
    long needed = promise(facts) + MARGIN_BYTES;
    long free = HostFacts.availableMemory() - promisedBytes;
    if (free < needed) {
      throw new LongshoreException(
          Reason.OUT_OF_MEMORY,
          "the workload needs %d MiB; %d MiB are free on the target and not promised to others"
              .formatted(needed >> 20, free >> 20));
    }
  }
}
