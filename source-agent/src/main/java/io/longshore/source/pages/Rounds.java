package io.longshore.source.pages;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.linux.PageSize;
import io.longshore.linux.ThreadNiceness;
import io.longshore.source.pages.RoundProgress.End;
import io.longshore.source.tracking.DirtyTracker;
import io.longshore.source.tracking.ImagePages;
import io.longshore.source.tracking.WrittenPages;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the memory of a workload that runs: all of it first, then, round after round, what was
 * written meanwhile. In the freeze it knows what of it is still true.
 *
 * <p>A round is looked for before it is read: what is written after the look is in the next one,
 * whether it was read before or after. A round begins when the target has stored the one before, so
 * that of two versions of a page it keeps the newer.
 *
 * <p>{@link #run}, {@link #again}, {@link #end} and {@link #close} by one thread at a time; {@link
 * #progress} by any.
 */
public final class Rounds implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Rounds.class);
  private static final int BATCH_PAGES = 256;

  /** A round during which more than this of what it sent is written again has gained nothing. */
  private static final double NO_GAIN = 0.8;

  /** The rate is only measured over more than this. */
  private static final int MEASURED_PAGES = 1024;

  private final String id;
  private final DirtyTracker tracker;
  private final ImagePages imagePages;
  private final Processes processes;
  private final List<? extends PageChannel> channels;
  private final Bandwidth bandwidth;
  private final Throttle throttle;
  private final ExecutorService senders =
      Executors.newThreadPerTaskExecutor(ThreadNiceness.threads("round", ThreadNiceness.BULK));

  /** What the target was sent, ever. */
  @GuardedBy("this")
  private final PageSet sent = new PageSet();

  /** What it was sent and has not been written since, nor lost on its way. */
  @GuardedBy("this")
  private final PageSet held = new PageSet();

  @GuardedBy("this")
  private RoundProgress progress = new RoundProgress(0, 0, 0, 0, 0, 100, End.NONE);

  /** On their way in this round: whether the target has them, and as what, nobody knows. */
  @GuardedBy("this")
  private final List<PageRange> lost = new ArrayList<>();

  /** To be sent: what the last look found, and what was lost before it. */
  private List<PageRange> written = List.of();

  private double pagesPerNano;

  /** Finds the processes that the workload has now. */
  public interface Processes {
    /** Process ids as this agent sees them, each with that in its own pid namespace. */
    Map<Integer, Integer> now() throws IOException;
  }

  /**
   * What became of the rounds.
   *
   * @param stale pages that the frozen workload has and the target has not, or not as they are
   * @param forget pages that the target has and the frozen workload has not, or not so
   */
  public record Outcome(List<PageRange> stale, List<PageSpan> forget) {}

  /**
   * Adjacent pages of one process, or pages of zeros.
   *
   * @param vpid process id in its own pid namespace; 0 for zeros
   * @param firstPage address / 4096; 0 for zeros
   * @param count at least 1
   */
  public record PageSpan(int vpid, long firstPage, long count) {
    /** Pages of zeros. */
    public static PageSpan zeros(long count) {
      return new PageSpan(0, 0, count);
    }

    /** Whether both together are one span. */
    public boolean isFollowedBy(PageSpan other) {
      return vpid == other.vpid && (vpid == 0 || firstPage + count == other.firstPage);
    }
  }

  /**
   * @param id of the migration, for messages
   * @param tracker is closed with this
   * @param imagePages is closed with this
   * @param channels one sender runs on each
   * @param throttle is closed with this
   */
  public Rounds(
      String id,
      DirtyTracker tracker,
      ImagePages imagePages,
      Processes processes,
      List<? extends PageChannel> channels,
      Bandwidth bandwidth,
      Throttle throttle) {
    this.id = id;
    this.tracker = tracker;
    this.imagePages = imagePages;
    this.processes = processes;
    this.channels = List.copyOf(channels);
    this.channels.forEach(channel -> channel.onLost(this::lost));
    this.bandwidth = bandwidth;
    this.throttle = throttle;
  }

  /**
   * Sends rounds until the policy ends them. What the last look found is not sent.
   *
   * @throws IOException if the workload cannot be looked at
   * @throws TransferBrokenException if a stream has failed
   */
  public RoundProgress run(RoundPolicy policy) throws IOException, InterruptedException {
    throttle.begin();
    try {
      return runThem(policy);
    } finally {
      throttle.ended(progress().end() == End.CONVERGED);
    }
  }

  private RoundProgress runThem(RoundPolicy policy) throws IOException, InterruptedException {
    look();
    while (progress().end() == End.NONE) {
      long begin = System.nanoTime();
      sendRound();
      long pages = pages(written);
      long sentAfter = System.nanoTime();
      boolean cut = hasLost();
      look();
      long left = pages(written);
      End end = judge(policy, pages, left, cut);
      end(end == End.NO_GAIN || end == End.ROUNDS ? slowed(policy, end) : end);
      log.info(
          "Migration {}: round {}: {} pages in {} ms, {} written meanwhile ({} ms to send){}",
          id,
          progress().round(),
          pages,
          (sentAfter - begin) / 1_000_000,
          left,
          millisToSend(left),
          progress().end() == End.NONE ? "" : ", the last: " + progress().end());
    }
    return progress();
  }

  /**
   * Sends what the last look found, if the rounds have converged, and looks again: a moment before
   * the freeze it is a little, and then less.
   */
  public void again() throws IOException, InterruptedException {
    if (progress().end() == End.CONVERGED) {
      sendRound();
      look();
    }
  }

  /**
   * The workload is frozen: says what is still true.
   *
   * @param frozen its pages that the agents move
   */
  public Outcome end(List<PageRange> frozen) throws IOException {
    look(List.of());
    synchronized (this) {
      return new Outcome(held.missingOf(frozen), sent.without(held));
    }
  }

  /** How far they are. */
  public synchronized RoundProgress progress() {
    return progress;
  }

  /** What the target has of pages that a dump puts into its images. After the last round. */
  public SentContent imageContent() throws IOException {
    Map<Integer, Integer> now = processes.now();
    SentContent content = new SentContent();
    imagePages.forEachRead(
        (pid, page, hash) -> {
          int vpid = now.getOrDefault(pid, 0);
          if (vpid != 0 && isHeld(vpid, page)) {
            content.add(hash, vpid, page);
          }
        });
    return content;
  }

  private synchronized boolean isHeld(int vpid, long page) {
    return held.contains(vpid, page);
  }

  /**
   * Gives a workload that was slowed its time again: it is about to be frozen, which takes some.
   */
  public void letRun() throws IOException {
    throttle.lift();
  }

  /** Ends tracking: the workload is as it was before. */
  @Override
  public void close() {
    throttle.close();
    senders.shutdownNow();
    senders.close();
    tracker.close();
    imagePages.close();
  }

  private End judge(RoundPolicy policy, long pages, long left, boolean cut) {
    if (millisToSend(left) <= policy.pageBudget().toMillis()) {
      return End.CONVERGED;
    }
    // What was written while the link was cut says nothing about the next round.
    if (left > pages * NO_GAIN && !cut) {
      return End.NO_GAIN;
    }
    return progress().round() >= policy.maximumRounds() ? End.ROUNDS : End.NONE;
  }

  /** A workload that outpaces its rounds is slowed instead, as long as that is possible. */
  private End slowed(RoundPolicy policy, End end) throws InterruptedException {
    try {
      return policy.throttles() && throttle.slower() ? End.NONE : end;
    } catch (IOException e) {
      log.warn("Migration {}: the workload cannot be slowed", id, e);
      return end;
    }
  }

  private long millisToSend(long pages) {
    return pagesPerNano == 0 ? 0 : Duration.ofNanos((long) (pages / pagesPerNano)).toMillis();
  }

  private void look() throws IOException {
    // First, for it takes longer: the other look is all the newer.
    look(imagePages.scan(processes.now().keySet()));
  }

  /**
   * What was written since the last look is stale, whether it is sent or not.
   *
   * @param inImages pages that are stale as well. Not in the freeze, when they are in the images
   */
  private void look(List<WrittenPages> inImages) throws IOException {
    Map<Integer, Integer> now = processes.now();
    List<PageRange> found = new ArrayList<>();
    Set<Integer> seen = new HashSet<>();
    for (WrittenPages process : tracker.scan(now.keySet())) {
      int vpid = now.getOrDefault(process.pid(), 0);
      seen.add(vpid);
      for (WrittenPages.Range range : process.ranges()) {
        add(found, vpid, process.pid(), range);
      }
    }
    addAll(found, inImages, now, seen);
    synchronized (this) {
      // Of a process that could not be looked at nothing is known.
      held.retain(seen);
      for (PageRange range : found) {
        held.remove(range.vpid(), range.firstPage(), range.count());
      }
      written = withLost(found, now, seen);
      long total = Math.max(progress.totalPages(), held.size() + pages(written));
      note(progress.round(), total, 0, 0, progress.end());
    }
  }

  /** Adds pages that are not there, of processes that were seen. */
  private static void addAll(
      List<PageRange> found,
      List<WrittenPages> more,
      Map<Integer, Integer> now,
      Set<Integer> seen) {
    List<PageRange> ranges = new ArrayList<>();
    for (WrittenPages process : more) {
      int vpid = now.getOrDefault(process.pid(), 0);
      if (seen.contains(vpid)) {
        for (WrittenPages.Range range : process.ranges()) {
          add(ranges, vpid, process.pid(), range);
        }
      }
    }
    addMissing(found, ranges);
  }

  private static void addMissing(List<PageRange> found, List<PageRange> more) {
    if (more.isEmpty()) {
      return;
    }
    PageSet known = new PageSet();
    for (PageRange range : found) {
      known.add(range.vpid(), range.firstPage(), range.count());
    }
    found.addAll(known.missingOf(more));
    found.sort(Comparator.comparingInt(PageRange::vpid).thenComparingLong(PageRange::firstPage));
  }

  /** What was lost is sent again, but of a process that is not looked at, nothing. */
  @GuardedBy("this")
  private List<PageRange> withLost(
      List<PageRange> found, Map<Integer, Integer> now, Set<Integer> seen) {
    lost.removeIf(
        range -> !seen.contains(range.vpid()) || range.vpid() != now.getOrDefault(range.pid(), 0));
    addMissing(found, lost);
    lost.clear();
    return found;
  }

  private static void add(List<PageRange> found, int vpid, int pid, WrittenPages.Range range) {
    long left = range.count();
    while (left > 0) {
      int count = (int) Math.min(left, 1 << 30);
      found.add(new PageRange(vpid, pid, range.firstPage() + range.count() - left, count));
      left -= count;
    }
  }

  private void sendRound() throws InterruptedException {
    long begin = System.nanoTime();
    StalePages round = new StalePages(written);
    synchronized (this) {
      note(progress.round() + 1, progress.totalPages(), 0, 0, progress.end());
    }
    CompletableFuture<?>[] sending =
        channels.stream()
            .map(channel -> CompletableFuture.runAsync(() -> send(round, channel), senders))
            .toArray(CompletableFuture[]::new);
    try {
      CompletableFuture.allOf(sending).join();
    } catch (CompletionException e) {
      switch (e.getCause()) {
        case TransferBrokenException broken -> throw broken;
        case UncheckedIOException io -> throw io;
        case null, default -> throw e;
      }
    }
    if (round.total() >= MEASURED_PAGES && (pagesPerNano == 0 || !hasLost())) {
      pagesPerNano = (double) round.total() / Math.max(1, System.nanoTime() - begin);
    }
  }

  private void send(StalePages round, PageChannel channel) {
    try (PageReader reader = new PageReader(BATCH_PAGES)) {
      for (List<PageRange> ranges = round.takeNext(BATCH_PAGES);
          !ranges.isEmpty();
          ranges = round.takeNext(BATCH_PAGES)) {
        PageBatch batch = reader.readRunning(ranges, this::read);
        if (!batch.runs().isEmpty()) {
          bandwidth.pay((long) batch.contentPages() * PageSize.BYTES);
          // Before: it may get there whatever becomes of the stream.
          sent(batch);
          channel.send(batch);
        }
        bandwidth.awaitPaid();
      }
      channel.awaitStored();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the workload's memory", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TransferBrokenException("the rounds were stopped", e);
    }
  }

  private void read(PageRange range, MemorySegment content) {
    tracker.noteRead(range.pid(), range.firstPage(), content);
    imagePages.noteRead(range.pid(), range.firstPage(), content);
  }

  private synchronized void sent(PageBatch batch) {
    for (PageBatch.Run run : batch.runs()) {
      PageRange range = run.range();
      sent.add(range.vpid(), range.firstPage(), range.count());
      held.add(range.vpid(), range.firstPage(), range.count());
    }
    note(
        progress.round(),
        progress.totalPages(),
        batch.contentPages(),
        batch.zeroPages(),
        progress.end());
  }

  private synchronized void lost(List<PageRange> pages) {
    for (PageRange range : pages) {
      held.remove(range.vpid(), range.firstPage(), range.count());
    }
    lost.addAll(pages);
  }

  private synchronized boolean hasLost() {
    return !lost.isEmpty();
  }

  @GuardedBy("this")
  private void note(int round, long total, long content, long zero, End end) {
    progress =
        new RoundProgress(
            round,
            total,
            held.size(),
            progress.contentSent() + content,
            progress.zero() + zero,
            throttle.percent(),
            end);
  }

  private synchronized void end(End end) {
    note(progress.round(), progress.totalPages(), 0, 0, end);
  }

  private static long pages(List<PageRange> ranges) {
    return ranges.stream().mapToLong(PageRange::count).sum();
  }
}
