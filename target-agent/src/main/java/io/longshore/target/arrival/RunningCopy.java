package io.longshore.target.arrival;

import io.longshore.agent.copy.CopyRecord;
import io.longshore.agent.copy.CopyRecord.Stage;
import io.longshore.criu.run.CriuFolder;
import io.longshore.linux.PageSize;
import io.longshore.linux.ProcessFamily;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.platform.error.LongshoreException;
import io.longshore.target.arrival.Arrival.Parts;
import io.longshore.target.images.AnnouncedPages;
import io.longshore.target.images.ImageFolder;
import io.longshore.target.network.HostAddressArrival;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageRange;
import io.longshore.target.pages.PageStore;
import io.longshore.target.restore.Restoration;
import io.longshore.target.runtime.Coming;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Goes on with a copy that runs, and whose agent is gone. If it lacks pages, the keeper has its
 * memories, the images say which pages there are, the log of its memories where they belong now,
 * and the source, which has all of them, sends them again. Those that are installed stay.
 */
final class RunningCopy {
  private static final Logger log = LoggerFactory.getLogger(RunningCopy.class);
  private static final Duration KILLED = Duration.ofSeconds(10);

  private RunningCopy() {}

  /**
   * Takes it up.
   *
   * @throws IOException if it cannot be: then it is as it was, and waits
   * @throws LongshoreException the same
   */
  static Arrival takeUp(CriuFolder folder, Coming coming, CopyRecord record, ArrivalNotes notes)
      throws IOException {
    Map<Integer, List<PageRange>> ranges = AnnouncedPages.read(folder.images());
    long bytes =
        ranges.values().stream().flatMap(List::stream).mapToLong(PageRange::count).sum()
            * PageSize.BYTES;
    PageStore pages = new PageStore(bytes);
    Demands demands = new Demands();
    Restoration restoration =
        Restoration.ofRunning(coming, folder, pages, demands, record.processes());
    restoration.whenFilled(notes::filled);
    restoration.whenBroken(notes::broken);
    HostAddressArrival addresses = HostAddressArrival.takeUp(record.ref().id(), record.addresses());
    ImageFolder images = new ImageFolder(folder.images(), 0);
    images.seal();
    Parts parts = new Parts(folder, notes, images, pages, demands, restoration, addresses, bytes);
    boolean taken = false;
    try {
      pages.announce(ranges, 0);
      if (record.stage() == Stage.FILLED) {
        // What the source has not heard to be there still comes.
        pages.dropAll();
        restoration.noteFilled();
      } else {
        takeOver(restoration, record.keepers(), notes);
      }
      taken = true;
      return Arrival.takenUp(record.ref(), parts);
    } finally {
      if (!taken) {
        pages.close();
      }
    }
  }

  /**
   * By a keeper that this agent can talk to. All are written down as long as one may have what
   * another has not.
   */
  private static void takeOver(Restoration restoration, List<Member> earlier, ArrivalNotes notes)
      throws IOException {
    Member fresh = restoration.prepare();
    notes.keepers(Stream.concat(earlier.stream(), Stream.of(fresh)).toList());
    restoration.takeUp(earlier);
    try {
      // Before they are not written down any more: one that is left holds the memories for ever.
      new ProcessFamily(earlier).kill(KILLED);
      notes.keepers(List.of(fresh));
    } catch (IOException | LongshoreException e) {
      log.warn("Keepers that are not needed any more may be left: {}", earlier, e);
    }
  }
}
