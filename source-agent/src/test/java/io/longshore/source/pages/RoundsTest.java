package io.longshore.source.pages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.linux.AnonymousMemory;
import io.longshore.source.pages.RoundProgress.End;
import io.longshore.source.pages.Rounds.PageSpan;
import io.longshore.source.tracking.DirtyTracker;
import io.longshore.source.tracking.ImagePages;
import io.longshore.source.tracking.WrittenPages;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Rounds over streams of which one is cut. */
@Timeout(60)
final class RoundsTest {
  private static final int SELF = (int) ProcessHandle.current().pid();
  private static final int VPID = 7;
  private static final int PAGES = 2048;
  private static final Duration PAGE_BUDGET = Duration.ofMillis(20);
  private static final RoundPolicy ONE_IS_ENOUGH = new RoundPolicy(Duration.ofMinutes(1), 5, false);

  private final AnonymousMemory memory = map();
  private final long first = memory.segment().address() / 4096;
  private final List<PageRange> frozen = List.of(new PageRange(VPID, SELF, first, PAGES));
  private final Map<Long, Long> target = new ConcurrentHashMap<>();
  private final Stream cut = new Stream(true);
  private final Stream open = new Stream(false);
  private final Written tracker = new Written();
  private final Bandwidth bandwidth = new Bandwidth(0);
  private final Steps throttle = new Steps();
  private final Rounds rounds =
      new Rounds(
          "m",
          tracker,
          ImagePages.none(),
          () -> Map.of(SELF, VPID),
          List.of(cut, open),
          bandwidth,
          throttle);

  @BeforeEach
  void fill() {
    for (int page = 0; page < PAGES; page++) {
      write(page, page + 1);
    }
    tracker.next = List.of(new WrittenPages.Range(first, PAGES));
  }

  @AfterEach
  void end() {
    rounds.close();
    memory.close();
  }

  @Test
  void whatWasLostIsSentInTheNextRoundAndNotWhileTheTargetMayStillStoreIt() throws Exception {
    CompletableFuture<RoundProgress> run = runUntilCut();
    // Until the stream is open again these may come, after whatever another has brought.
    assertThat(target).hasSize(PAGES - cut.lostPages().size());
    assertThat(run).isNotDone();
    cut.openedAgain.countDown();
    assertThat(run.get(30, TimeUnit.SECONDS).heldPages()).isEqualTo(target.size());
    assertThat(target).doesNotContainKeys(cut.lostPages().toArray(Long[]::new));
    rounds.again();
    assertRight(PAGES);
    Rounds.Outcome outcome = rounds.end(frozen);
    assertThat(outcome.stale()).isEmpty();
    assertThat(outcome.forget()).isEmpty();
  }

  @Test
  void whatWasLostAndNotSentAgainIsStaleAndToBeForgotten() throws Exception {
    CompletableFuture<RoundProgress> run = runUntilCut();
    cut.openedAgain.countDown();
    run.get(30, TimeUnit.SECONDS);
    Rounds.Outcome outcome = rounds.end(frozen);
    assertThat(outcome.stale().stream().flatMap(RoundsTest::pages))
        .containsExactlyElementsOf(cut.lostPages());
    assertThat(outcome.forget().stream().flatMap(RoundsTest::pages))
        .containsExactlyElementsOf(cut.lostPages());
  }

  @Test
  void whatWasLostAndWrittenIsSentOnceAsItIs() throws Exception {
    CompletableFuture<RoundProgress> run = runUntilCut();
    long lost = cut.lostPages().getFirst();
    write((int) (lost - first) + 1, 4711);
    tracker.next = List.of(new WrittenPages.Range(lost + 1, 1));
    cut.openedAgain.countDown();
    run.get(30, TimeUnit.SECONDS);
    long before = open.sent() + cut.sent();
    rounds.again();
    assertThat(open.sent() + cut.sent() - before).isEqualTo(cut.lostPages().size());
    assertThat(target).containsEntry(lost + 1, 4711L).hasSize(PAGES);
  }

  @Test
  void ofAProcessThatIsNotLookedAtNothingIsSentAgain() throws Exception {
    CompletableFuture<RoundProgress> run = runUntilCut();
    tracker.seesNothing = true;
    cut.openedAgain.countDown();
    run.get(30, TimeUnit.SECONDS);
    long before = open.sent() + cut.sent();
    rounds.again();
    assertThat(open.sent() + cut.sent()).isEqualTo(before);
    tracker.seesNothing = false;
    Rounds.Outcome outcome = rounds.end(frozen);
    assertThat(outcome.stale().stream().flatMap(RoundsTest::pages)).hasSize(PAGES);
    assertThat(outcome.forget().stream().flatMap(RoundsTest::pages)).hasSize(PAGES);
  }

  /** As a page that its process may not read itself for a moment. */
  @Test
  void whatWasWrittenAndCannotBeReadIsStaleAndToBeForgotten(@TempDir Path folder) throws Exception {
    CompletableFuture<RoundProgress> run = runUntilCut();
    cut.openedAgain.countDown();
    run.get(30, TimeUnit.SECONDS);
    try (FileChannel file =
            FileChannel.open(
                folder.resolve("page"),
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        Arena arena = Arena.ofShared()) {
      MemorySegment mapped = file.map(FileChannel.MapMode.READ_WRITE, 0, 4096, arena);
      mapped.set(ValueLayout.JAVA_LONG, 0, 4711);
      long page = mapped.address() / 4096;
      tracker.next = List.of(new WrittenPages.Range(page, 1));
      rounds.again();
      tracker.next = List.of(new WrittenPages.Range(page, 1));
      rounds.again();
      assertThat(target.get(page)).isEqualTo(4711);
      file.truncate(0);
      rounds.again();
      Rounds.Outcome outcome = rounds.end(List.of(new PageRange(VPID, SELF, page, 1)));
      assertThat(outcome.stale().stream().flatMap(RoundsTest::pages)).containsExactly(page);
      assertThat(outcome.forget().stream().flatMap(RoundsTest::pages)).containsExactly(page);
    }
  }

  @Test
  void whatIsWrittenDuringACutDoesNotEndTheRounds() throws Exception {
    CompletableFuture<RoundProgress> run = run(new RoundPolicy(PAGE_BUDGET, 2, false));
    await().until(() -> cut.isWaiting() && open.hasStored());
    tracker.next = List.of(new WrittenPages.Range(first, PAGES));
    // Longer than the budget, so that it does not end because it was quick.
    await().pollDelay(Duration.ofMillis(50)).until(() -> true);
    cut.openedAgain.countDown();
    RoundProgress last = run.get(30, TimeUnit.SECONDS);
    assertThat(last.round()).isEqualTo(2);
    assertThat(last.end()).isIn(End.CONVERGED, End.ROUNDS);
    assertRight(PAGES);
  }

  private CompletableFuture<RoundProgress> runUntilCut() {
    CompletableFuture<RoundProgress> run = run(ONE_IS_ENOUGH);
    await().until(() -> cut.isWaiting() && open.hasStored());
    return run;
  }

  @Test
  void aWorkloadThatOutpacesItsRoundsIsSlowedStepByStepIfThatIsThePolicy() throws Exception {
    cut.openedAgain.countDown();
    tracker.again = true;
    // A fifth of a second a round.
    bandwidth.limit(PAGES * 4096L * 5);
    RoundProgress end = rounds.run(new RoundPolicy(PAGE_BUDGET, 2, true));
    assertThat(end.end()).isEqualTo(RoundProgress.End.NO_GAIN);
    assertThat(end.percent()).isEqualTo(25);
    // The link is cut in the first, the second gains nothing, and then one for each step.
    assertThat(end.round()).isEqualTo(4);
    assertThat(throttle.percent).as("when they are over").isEqualTo(100);
  }

  @Test
  void otherwiseItIsNotSlowed() throws Exception {
    cut.openedAgain.countDown();
    tracker.again = true;
    // A fifth of a second a round.
    bandwidth.limit(PAGES * 4096L * 5);
    RoundProgress end = rounds.run(new RoundPolicy(PAGE_BUDGET, 2, false));
    assertThat(end.end()).isEqualTo(RoundProgress.End.NO_GAIN);
    assertThat(end.percent()).isEqualTo(100);
  }

  private static final class Steps implements Throttle {
    private int percent = 100;

    @Override
    public void begin() {}

    @Override
    public boolean slower() {
      if (percent == 25) {
        return false;
      }
      percent /= 2;
      return true;
    }

    @Override
    public int percent() {
      return percent;
    }

    @Override
    public void want(boolean wanted) {}

    @Override
    public void ended(boolean converged) {
      if (!converged) {
        percent = 100;
      }
    }

    @Override
    public void lift() {
      percent = 100;
    }

    @Override
    public void close() {
      percent = 100;
    }
  }

  private CompletableFuture<RoundProgress> run(RoundPolicy policy) {
    CompletableFuture<RoundProgress> run = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                run.complete(rounds.run(policy));
              } catch (IOException | InterruptedException | RuntimeException e) {
                run.completeExceptionally(e);
              }
            });
    return run;
  }

  private void assertRight(int count) {
    assertThat(target).hasSize(count);
    target.forEach((page, value) -> assertThat(value).isEqualTo(page - first + 1));
  }

  private void write(int page, long value) {
    memory.segment().set(ValueLayout.JAVA_LONG, page * 4096L, value);
  }

  private static java.util.stream.Stream<Long> pages(PageRange range) {
    return pages(new PageSpan(range.vpid(), range.firstPage(), range.count()));
  }

  private static java.util.stream.Stream<Long> pages(PageSpan span) {
    return java.util.stream.LongStream.range(span.firstPage(), span.firstPage() + span.count())
        .boxed();
  }

  private static AnonymousMemory map() {
    try {
      return AnonymousMemory.map(PAGES * 4096L);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Says what the test says, once. */
  private static final class Written implements DirtyTracker {
    volatile List<WrittenPages.Range> next = List.of();
    volatile boolean seesNothing;

    /** Whether all of it is written again and again. */
    volatile boolean again;

    @Override
    public String name() {
      return "test";
    }

    @Override
    public List<WrittenPages> scan(Collection<Integer> pids) {
      if (seesNothing) {
        return List.of();
      }
      List<WrittenPages> found = List.of(new WrittenPages(SELF, next));
      next = again ? next : List.of();
      return found;
    }

    @Override
    public void close() {}
  }

  /** A stream to the target; if it is cut, what was sent over it first is lost. */
  private final class Stream implements PageChannel {
    final CountDownLatch openedAgain = new CountDownLatch(1);
    private final CountDownLatch storing = new CountDownLatch(1);
    private final boolean loses;
    private volatile Consumer<List<PageRange>> whenLost = lost -> {};

    @GuardedBy("this")
    private final List<PageRange> lost = new ArrayList<>();

    @GuardedBy("this")
    private boolean waiting;

    @GuardedBy("this")
    private long sent;

    Stream(boolean loses) {
      this.loses = loses;
    }

    @Override
    public void send(PageBatch batch) throws InterruptedException {
      synchronized (this) {
        sent += batch.pages();
        if (loses && lost.isEmpty()) {
          batch.runs().forEach(run -> lost.add(run.range()));
          storing.countDown();
          return;
        }
      }
      if (!loses) {
        // So that the other gets some.
        cut.storing.await();
      }
      ByteBuffer payload = batch.payload().duplicate().order(ByteOrder.nativeOrder());
      Map<Long, Long> pages = new HashMap<>();
      int at = 0;
      for (PageBatch.Run run : batch.runs()) {
        for (int i = 0; i < run.range().count(); i++) {
          pages.put(run.range().firstPage() + i, payload.getLong(at));
          at += 4096;
        }
      }
      target.putAll(pages);
    }

    @Override
    public boolean isReadyFor(int pages) {
      return true;
    }

    @Override
    public void awaitStored() throws InterruptedException {
      if (!loses) {
        storing.countDown();
        return;
      }
      synchronized (this) {
        if (!waiting) {
          whenLost.accept(lost);
        }
        waiting = true;
      }
      openedAgain.await();
    }

    @Override
    public void onLost(Consumer<List<PageRange>> listener) {
      whenLost = listener;
    }

    @Override
    public long storedPages() {
      throw new UnsupportedOperationException();
    }

    boolean hasStored() {
      return storing.getCount() == 0;
    }

    synchronized boolean isWaiting() {
      return waiting;
    }

    synchronized long sent() {
      return sent;
    }

    synchronized List<Long> lostPages() {
      return lost.stream().flatMap(RoundsTest::pages).toList();
    }
  }
}
