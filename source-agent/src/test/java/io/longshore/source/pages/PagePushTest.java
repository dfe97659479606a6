package io.longshore.source.pages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.longshore.linux.AnonymousMemory;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Reads this process's own memory through the kernel, as it reads another's. */
@Timeout(60)
final class PagePushTest {
  private static final int PAGES = 3000;
  private static final int SELF = (int) ProcessHandle.current().pid();

  private AnonymousMemory memory = map(PAGES);
  private long first;
  private StalePages stale = new StalePages(List.of());

  @BeforeEach
  void fill() {
    for (int page = 0; page < PAGES; page++) {
      if (!isZero(page)) {
        memory.segment().set(ValueLayout.JAVA_LONG, page * 4096L + 8, page + 1);
      }
    }
    first = memory.segment().address() / 4096;
    stale = new StalePages(List.of(new PageRange(7, SELF, first, PAGES)));
  }

  @AfterEach
  void free() {
    memory.close();
  }

  @Test
  void aBatchHasTheContentOfItsPagesAndNoZeros() throws Exception {
    try (PageReader reader = new PageReader(256)) {
      PageBatch batch =
          reader.read(
              List.of(new PageRange(7, SELF, first, 10), new PageRange(7, SELF, first + 50, 2)));
      assertThat(batch.pages()).isEqualTo(12);
      assertThat(batch.zeroPages()).isEqualTo(2);
      assertThat(batch.contentPages()).isEqualTo(10);
      assertThat(batch.payload().remaining()).isEqualTo(10 * 4096);
      CRC32C expected = new CRC32C();
      expected.update(batch.payload().duplicate());
      assertThat(batch.crc32c()).isEqualTo((int) expected.getValue());
      Sent sent = new Sent();
      sent.send(batch);
      assertThat(sent.pages).hasSize(12);
      sent.check();
      assertThat(reader.read(List.of(new PageRange(7, SELF, first, 1))).pages()).isEqualTo(1);
    }
  }

  @Test
  void aPageThatCannotBeReadIsAnErrorAndNotWhatTheBufferHeld() throws Exception {
    AnonymousMemory gone = map(4);
    long address = gone.segment().address() / 4096;
    gone.close();
    try (PageReader reader = new PageReader(256)) {
      assertThat(reader.read(List.of(new PageRange(7, SELF, first, 100))).pages()).isEqualTo(100);
      assertThatThrownBy(() -> reader.read(List.of(new PageRange(7, SELF, address, 4))))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("cannot be read");
    }
  }

  @Test
  void aProcessThatIsGoneIsAnError() throws Exception {
    Process child = new ProcessBuilder("true").start();
    child.waitFor();
    try (PageReader reader = new PageReader(256)) {
      assertThatThrownBy(() -> reader.read(List.of(new PageRange(7, (int) child.pid(), first, 1))))
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void everyPageGoesOnceOverAnyChannel() throws Exception {
    Sent one = new Sent();
    Sent two = new Sent();
    Sent faults = new Sent();
    try (PagePush push = new PagePush(stale, List.of(one, two), faults, new Bandwidth(0))) {
      assertThat(push.start(false)).isSameAs(push.start(false));
      push.start(false).get(20, TimeUnit.SECONDS);
      assertThat(one.pages.size() + two.pages.size()).isEqualTo(PAGES);
      one.check();
      two.check();
      assertThat(faults.pages).isEmpty();
      assertThat(push.progress())
          .isEqualTo(new PushProgress(PAGES, PAGES, PAGES - zeros(), zeros()));
    }
  }

  @Test
  void aDemandGoesOverTheFaultChannelBeforeAnythingIsPushed() throws Exception {
    Sent one = new Sent();
    Sent faults = new Sent();
    try (PagePush push = new PagePush(stale, List.of(one), faults, new Bandwidth(0))) {
      push.demand(7, first + 100, 16, false);
      push.demand(7, first + 100, 16, false);
      push.demand(8, first + 100, 16, false);
      await().until(() -> faults.pages.size() == 16);
      assertThat(faults.pages).containsKey(first + 115);
      assertThat(push.progress().stored()).isEqualTo(16);
      push.start(false).get(20, TimeUnit.SECONDS);
      assertThat(one.pages).hasSize(PAGES - 16).doesNotContainKey(first + 100);
      faults.check();
    }
  }

  @Test
  void whatWasLostOnItsWayIsSentAgain() throws Exception {
    Sent one = new Sent();
    Sent faults = new Sent();
    try (PagePush push = new PagePush(stale, List.of(one), faults, new Bandwidth(0))) {
      push.demand(7, first + 100, 16, false);
      await().until(() -> faults.pages.size() == 16);
      one.losing.add(
          List.of(
              new PageRange(7, SELF, first + 10, 20), new PageRange(7, SELF, first + 900, 300)));
      one.losing.add(List.of(new PageRange(7, SELF, first + 10, 2)));
      faults.losing.add(List.of(new PageRange(7, SELF, first + 101, 3)));
      push.start(false).get(20, TimeUnit.SECONDS);
      assertThat(one.pages).hasSize(PAGES - 16);
      assertThat(faults.pages).hasSize(16);
      one.check();
      faults.check();
      assertThat(push.progress().stored()).isEqualTo(PAGES);
    }
  }

  @Test
  void aDemandForWhatWasLostIsAnsweredBeforeThePushGoesOn() throws Exception {
    Sent one = new Sent();
    Sent faults = new Sent();
    try (PagePush push = new PagePush(stale, List.of(one), faults, new Bandwidth(0))) {
      one.gate = new CountDownLatch(1);
      CompletableFuture<Void> complete = push.start(false);
      await().until(() -> one.waiting.get() == 1);
      // What the push has taken first, and is still on its way.
      push.demand(7, first + 5, 1, false);
      assertThat(faults.pages).isEmpty();
      one.whenLost.accept(List.of(new PageRange(7, SELF, first, 256)));
      push.demand(7, first + 5, 1, false);
      await().until(() -> faults.pages.containsKey(first + 5));
      one.onceOnly = false;
      one.gate.countDown();
      complete.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void theShortestRangesGoAheadAndThenWhatLiesAroundADemand() throws Exception {
    long far = (first + 2000) / Neighbourhood.BLOCK_PAGES * Neighbourhood.BLOCK_PAGES;
    int begin = (int) (far - first);
    stale =
        new StalePages(
            List.of(
                new PageRange(7, SELF, first, 100),
                new PageRange(7, SELF, first + 101, PAGES - 101)));
    Sent one = new Sent();
    Sent two = new Sent();
    Sent faults = new Sent();
    try (PagePush push = new PagePush(stale, List.of(one, two), faults, new Bandwidth(0))) {
      push.sendAhead();
      await().until(() -> one.pages.size() == 100);
      assertThat(one.pages).containsKey(first + 99);
      push.demand(7, first + begin + 7, 4, false);
      await().until(() -> one.pages.size() == 100 + Neighbourhood.BLOCK_PAGES - 4);
      assertThat(faults.pages).hasSize(4).containsKey(first + begin + 7);
      assertThat(one.pages).containsKeys(far, far + Neighbourhood.BLOCK_PAGES - 1);
      assertThat(two.pages).isEmpty();
      push.start(false).get(20, TimeUnit.SECONDS);
      assertThat(one.pages.size() + two.pages.size() + faults.pages.size()).isEqualTo(PAGES - 1);
      one.check();
      two.check();
      faults.check();
      assertThat(push.progress().stored()).isEqualTo(PAGES - 1);
    }
  }

  @Test
  void whatWasTakenAheadIsSentThoughThePushStarts() throws Exception {
    for (int round = 0; round < 50; round++) {
      stale = new StalePages(List.of(new PageRange(7, SELF, first, 1000)));
      Sent one = new Sent();
      try (PagePush push =
          new PagePush(stale, List.of(one, new Sent()), new Sent(), new Bandwidth(0))) {
        push.sendAhead();
        int pages = round;
        await().pollInterval(Duration.ofMillis(1)).until(() -> one.pages.size() >= pages);
        push.start(false).get(20, TimeUnit.SECONDS);
        assertThat(push.progress().stored()).isEqualTo(1000);
      }
    }
  }

  @Test
  void theEndWaitsForAnAnswerUnderWayAndAsksForItAfterwards() throws Exception {
    stale = new StalePages(List.of(new PageRange(7, SELF, first, 10)));
    Sent faults = new Sent();
    faults.tellsUnasked = false;
    faults.onItsWay = new CountDownLatch(1);
    try (PagePush push = new PagePush(stale, List.of(new Sent()), faults, new Bandwidth(0))) {
      Thread demanding = Thread.ofPlatform().start(() -> push.demand(7, first, 10, false));
      await().until(() -> faults.waiting.get() == 1);
      assertThat(stale.left()).isZero();
      CompletableFuture<Void> complete = push.start(false);
      await().during(Duration.ofMillis(200)).until(() -> !complete.isDone());
      faults.onItsWay.countDown();
      complete.get(20, TimeUnit.SECONDS);
      assertThat(push.progress().stored()).isEqualTo(10);
      demanding.join();
    }
  }

  @Test
  void whatIsSentAgainAfterTheEndIsAskedFor() throws Exception {
    Sent faults = new Sent();
    faults.tellsUnasked = false;
    faults.onceOnly = false;
    try (PagePush push = new PagePush(stale, List.of(new Sent()), faults, new Bandwidth(0))) {
      push.start(false).get(20, TimeUnit.SECONDS);
      push.demand(7, first, 10, true);
      await().until(() -> faults.stored == 10);
      await().until(() -> push.progress().stored() == PAGES);
    }
  }

  @Test
  void whatWentAheadAndBrokeIsNotForgotten() {
    stale = new StalePages(List.of(new PageRange(7, SELF, first, 100)));
    Sent broken = new Sent();
    broken.failure = new TransferBrokenException("page stream 0 broke", null);
    try (PagePush push =
        new PagePush(stale, List.of(broken, new Sent()), new Sent(), new Bandwidth(0))) {
      push.sendAhead();
      await().until(push::hasFailed);
      assertThat(stale.left()).isEqualTo(100 - Neighbourhood.BLOCK_PAGES);
    }
  }

  @Test
  void pagesSentAgainDoNotCountAsOthersThatWereNotSent() {
    Sent faults = new Sent();
    faults.onceOnly = false;
    try (PagePush push = new PagePush(stale, List.of(new Sent()), faults, new Bandwidth(0))) {
      push.demand(7, first, 10, false);
      await().until(() -> faults.stored == 10);
      push.demand(7, first, 10, true);
      await().until(() -> faults.stored == 20);
      assertThat(push.progress().stored()).isEqualTo(10);
    }
  }

  @Test
  void theFailureOfOneChannelIsToldAtOnce() {
    Sent broken = new Sent();
    broken.failure = new TransferBrokenException("page stream 0 broke", null);
    Sent stuck = new Sent();
    stuck.gate = new CountDownLatch(1);
    try (PagePush push =
        new PagePush(stale, List.of(broken, stuck), new Sent(), new Bandwidth(0))) {
      CompletableFuture<Void> complete = push.start(false);
      assertThatThrownBy(() -> complete.get(10, TimeUnit.SECONDS))
          .hasRootCauseInstanceOf(TransferBrokenException.class);
    }
  }

  @Test
  void pagesThatTheFaultChannelLostAreNotForgotten() {
    Sent faults = new Sent();
    faults.failure = new TransferBrokenException("fault stream broke", null);
    try (PagePush push = new PagePush(stale, List.of(new Sent()), faults, new Bandwidth(0))) {
      push.demand(7, first, 16, false);
      await().until(() -> stale.left() == PAGES - 16);
      assertThatThrownBy(() -> push.start(false).get(10, TimeUnit.SECONDS))
          .hasRootCauseInstanceOf(TransferBrokenException.class);
      assertThat(push.progress().stored()).isLessThan(PAGES);
    }
  }

  @Test
  void closeEndsSendersThatWait() throws Exception {
    Sent stuck = new Sent();
    stuck.gate = new CountDownLatch(1);
    PagePush push = new PagePush(stale, List.of(stuck, stuck), stuck, new Bandwidth(0));
    CompletableFuture<Void> complete = push.start(false);
    push.demand(7, first + PAGES - 1, 1, false);
    await().until(() -> stuck.waiting.get() == 3);
    Thread closer = Thread.ofPlatform().start(push::close);
    assertThat(closer.join(Duration.ofSeconds(10))).isTrue();
    assertThat(complete).isCompletedExceptionally();
    push.demand(7, first, 1, false);
  }

  @Test
  void aTargetThatDemandsWithoutEndDoesNotFillTheMemory() {
    Sent stuck = new Sent();
    stuck.gate = new CountDownLatch(1);
    try (PagePush push = new PagePush(stale, List.of(new Sent()), stuck, new Bandwidth(0))) {
      for (int i = 0; i < 100_000; i++) {
        push.demand(7, first + i % PAGES, 1, false);
      }
      await().until(() -> stuck.waiting.get() == 1);
      stuck.gate.countDown();
      await().during(Duration.ofMillis(300)).until(() -> stuck.pages.size() <= 1100);
    }
  }

  private static AnonymousMemory map(int pages) {
    try {
      return AnonymousMemory.map(pages * 4096L);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static boolean isZero(long page) {
    return page % 5 == 3;
  }

  private static int zeros() {
    return PAGES / 5;
  }

  /** A channel that keeps the first long behind the head of each page; 0: a zero page. */
  private final class Sent implements PageChannel {
    final Map<Long, Long> pages = new ConcurrentHashMap<>();
    final AtomicInteger waiting = new AtomicInteger();
    volatile CountDownLatch gate = new CountDownLatch(0);
    volatile @Nullable RuntimeException failure;
    volatile boolean onceOnly = true;
    volatile boolean tellsUnasked = true;
    volatile CountDownLatch onItsWay = new CountDownLatch(0);
    volatile long told;
    volatile long stored;
    final Queue<List<PageRange>> losing = new ConcurrentLinkedQueue<>();
    volatile Consumer<List<PageRange>> whenLost = lost -> {};

    @Override
    public void send(PageBatch batch) throws InterruptedException {
      waiting.incrementAndGet();
      gate.await();
      onItsWay.await();
      take(batch);
    }

    private synchronized void take(PageBatch batch) {
      RuntimeException broken = failure;
      if (broken != null) {
        throw broken;
      }
      ByteBuffer payload = batch.payload().duplicate().order(ByteOrder.nativeOrder());
      int at = 0;
      for (PageBatch.Run run : batch.runs()) {
        assertThat(run.range().vpid()).isEqualTo(7);
        for (int i = 0; i < run.range().count(); i++) {
          Long before =
              pages.put(run.range().firstPage() + i, run.zero() ? 0 : payload.getLong(at + 8));
          if (onceOnly && before != null) {
            throw new IllegalStateException("sent twice");
          }
          at += run.zero() ? 0 : 4096;
        }
      }
      stored += batch.pages();
    }

    @Override
    public boolean isReadyFor(int pages) {
      return gate.getCount() == 0;
    }

    @Override
    public void awaitStored() {
      told = stored;
      List<PageRange> lost = losing.poll();
      if (lost != null) {
        lose(lost);
      }
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // Only who reads it does not lock.
    synchronized void lose(List<PageRange> lost) {
      for (PageRange range : lost) {
        for (int i = 0; i < range.count(); i++) {
          pages.remove(range.firstPage() + i);
        }
        stored -= range.count();
      }
      whenLost.accept(lost);
    }

    @Override
    public void onLost(Consumer<List<PageRange>> listener) {
      whenLost = listener;
    }

    @Override
    public long storedPages() {
      return tellsUnasked ? stored : told;
    }

    void check() {
      pages.forEach(
          (page, value) ->
              assertThat(value).isEqualTo(isZero(page - first) ? 0 : page - first + 1));
    }
  }
}
