package io.longshore.source.departure;

import io.longshore.criu.run.CriuDump;
import io.longshore.criu.run.CriuFailure;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.DumpOptions;
import io.longshore.linux.PageSize;
import io.longshore.linux.ProcessTree;
import io.longshore.linux.TracedThreads;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.source.departure.Departure.Parts;
import io.longshore.source.images.ImageStreamer;
import io.longshore.source.images.ImagesSent;
import io.longshore.source.pages.PageRange;
import io.longshore.source.pages.Rounds;
import io.longshore.source.pages.SentContent;
import io.longshore.source.pages.StalePages;
import io.longshore.source.pages.TransferBrokenException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The freeze of one departure, in the order that makes it safe.
 *
 * <ol>
 *   <li>CRIU is started and held. The journal says that it may freeze.
 *   <li>CRIU seizes the tree and describes it. If it dies here the tree runs on, and nothing is
 *       lost: the target has no complete images.
 *   <li>The fence is frozen. From here the tree does not run, whoever dies.
 *   <li>CRIU still holds every thread, so it held them all the time until the fence did: what it
 *       described is what is frozen.
 *   <li>The runtime sees to it that nobody else lets it run or adds to it.
 *   <li>Only now the target is told that it has all images, and may ever run the workload.
 * </ol>
 */
final class Freeze {
  private static final Logger log = LoggerFactory.getLogger(Freeze.class);
  private static final Duration STARTED = Duration.ofSeconds(10);
  private static final Duration DUMPED = Duration.ofMinutes(2);
  private static final Duration FENCED = Duration.ofSeconds(5);

  private final String id;
  private final DepartureJournal journal;
  private final Parts parts;
  private final TargetLink link;
  private final @Nullable Rounds rounds;
  private final Consumer<CriuDump> begun;

  /**
   * @param rounds that went before; null if there were none
   * @param begun is told of CRIU when it was started; may throw to turn back
   */
  Freeze(
      String id,
      DepartureJournal journal,
      Parts parts,
      TargetLink link,
      @Nullable Rounds rounds,
      Consumer<CriuDump> begun) {
    this.id = id;
    this.journal = journal;
    this.parts = parts;
    this.link = link;
    this.rounds = rounds;
    this.begun = begun;
  }

  FreezeResult run() throws IOException, InterruptedException {
    CriuFolder folder = parts.folder();
    DataPlane plane = link.plane();
    try (ImageStreamer images = new ImageStreamer(folder.images(), plane.images())) {
      // A cut link is waited for while the workload runs, and never when it stands still.
      plane.awaitOpen();
      CriuDump dump = startDump(folder);
      begun.accept(dump);
      parts.addresses().prepare();
      dump.awaitHeld(STARTED);
      if (rounds != null) {
        rounds.again();
      }
      images.start(rounds == null ? SentContent.NONE : rounds.imageContent());
      journal.change(record -> record.in(Phase.FREEZING));
      long start = System.nanoTime();
      parts.addresses().hold(plane.images());
      long held = System.nanoTime() - start;
      if (rounds != null) {
        rounds.letRun();
      }
      dump.go();
      dump.awaitReady(DUMPED);
      long described = System.nanoTime() - start;
      parts.fence().freeze(FENCED);
      Duration freezeTime = Duration.ofNanos(System.nanoTime() - start);
      parts.addresses().seal();
      requireHeldUntilFenced(dump.pid());
      ProcessTree processes = ProcessTree.of(journal.record().root().pid());
      parts.leaving().fenced(processes);
      FrozenTree tree = FrozenTree.of(folder.images(), processes, parts.fence());
      tree.addHidden(dump.hiddenPages());
      List<PageRange> pages = tree.pages();
      Rounds.Outcome outcome =
          rounds == null ? new Rounds.Outcome(pages, List.of()) : rounds.end(pages);
      StalePages stale = new StalePages(outcome.stale());
      ImagesSent sent = images.finish();
      // Not before: an image may be what one of these holds.
      plane.images().forget(outcome.forget());
      long all = pages.stream().mapToLong(PageRange::count).sum();
      plane.images().complete(sent.count(), sent.bytes(), all - stale.total());
      parts.addresses().sendOn();
      link.serve(stale);
      long sentAfter = System.nanoTime() - start;
      plane.images().awaitComplete();
      link.sendAhead();
      long keptPages = (sent.bytes() - sent.sentBytes()) / PageSize.BYTES;
      FreezeResult result =
          new FreezeResult(freezeTime, start, sent.sentBytes(), all + keptPages, stale.total());
      // Not waited for: without it a restarted agent only refuses to say how the freeze went.
      journal.noteLater(
          record -> record.phase() == Phase.FREEZING ? record.frozen(result) : record);
      log.info(
          "Migration {}: packets held after {} ms, images written after {} ms, frozen after {} ms,"
              + " {} images sent after {} ms, of {} KiB {}, stored after {} ms",
          id,
          TimeUnit.NANOSECONDS.toMillis(held),
          TimeUnit.NANOSECONDS.toMillis(described),
          freezeTime.toMillis(),
          sent.count(),
          TimeUnit.NANOSECONDS.toMillis(sentAfter),
          sent.bytes() >> 10,
          sent.sentBytes() >> 10,
          TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
      return result;
    } catch (CriuFailure e) {
      throw new LongshoreException(Reason.CRIU_DUMP_FAILED, String.valueOf(e.getMessage()), e)
          .withCriuLog(e.logLines());
    } catch (TransferBrokenException e) {
      throw new LongshoreException(
          e.isCut() ? Reason.LINK_CUT : Reason.TRANSFER_BROKEN, String.valueOf(e.getMessage()), e);
    }
  }

  private CriuDump startDump(CriuFolder folder) throws IOException {
    return CriuDump.start(
        Objects.requireNonNull(parts.criu()),
        DumpOptions.of(journal.record().root().pid(), folder.images(), folder.work())
            .withBarrier()
            .withHiddenPages()
            .withExtra(parts.leaving().dumpOptions()));
  }

  private void requireHeldUntilFenced(int criu) throws IOException {
    List<Integer> free = TracedThreads.notTracedBy(criu, parts.fence().processes());
    if (!free.isEmpty()) {
      throw new LongshoreException(
          Reason.CRIU_DUMP_FAILED,
          "CRIU ended, or let go of the threads %s, before the workload was fenced: it may have run since it was described"
              .formatted(free));
    }
  }
}
