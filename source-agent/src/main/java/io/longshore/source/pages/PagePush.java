package io.longshore.source.pages;

import io.longshore.linux.PageSize;
import io.longshore.linux.ThreadNiceness;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Sends every stale page to the target: those that the target asks for over the fault channel,
 * before all others; what lies around them, and then the rest in address order, over the page
 * channels.
 *
 * <p>Answers demands from the moment it exists until it is closed; sends the rest once it is
 * started. Thread-safe.
 */
public final class PagePush implements AutoCloseable {
  /** 1 MiB: large enough for the network, small enough for a demand to overtake. */
  private static final int BATCH_PAGES = 256;

  /** How long a batch gives way to demands at most: 20 times 100 microseconds. */
  private static final int MOST_PAUSES = 20;

  private static final long PAUSE_NANOS = 100_000;

  /** Threads of the workload that wait; more demands than that are dropped and come again. */
  private static final int MAXIMUM_DEMANDS = 1024;

  /**
   * After the resume demands go alone for so long: every thread and every client of the workload
   * waits for some pages then, and the push would take the processors and the link from them.
   */
  private static final Duration ALONE = Duration.ofMillis(400);

  /** Or until none came for so long. */
  private static final Duration CALM = Duration.ofMillis(50);

  private static final Duration LOOK = Duration.ofMillis(5);

  /** Sent while the workload is restored: 4 MiB, no more than a slow link takes meanwhile. */
  private static final int AHEAD_PAGES = 1024;

  private final StalePages stale;
  private final List<? extends PageChannel> channels;
  private final PageChannel faultChannel;
  private final Bandwidth bandwidth;

  /** Of rounds, over the same channels. */
  private final long storedBefore;

  private final AtomicLong contentPages = new AtomicLong();
  private final AtomicLong zeroPages = new AtomicLong();
  private final AtomicLong pagesSentAgain = new AtomicLong();
  private final Neighbourhood neighbourhood = new Neighbourhood();
  private final Semaphore demandsThatMayWait = new Semaphore(MAXIMUM_DEMANDS);

  // Platform threads: the work is copying, and virtual threads of a busy processor would queue
  // behind each other for as long as a batch takes.
  private final ExecutorService senders =
      Executors.newThreadPerTaskExecutor(ThreadNiceness.threads("page-push", ThreadNiceness.BULK));
  private final ExecutorService faultSender =
      Executors.newSingleThreadExecutor(
          ThreadNiceness.threads("page-faults", ThreadNiceness.URGENT));

  /** Held by who answers a demand. */
  private final ReentrantLock answering = new ReentrantLock();

  private final PageReader faultReader = new PageReader(BATCH_PAGES);
  private final CompletableFuture<Void> complete = new CompletableFuture<>();
  private volatile long lastDemand = System.nanoTime();
  private CompletableFuture<Void> ahead = CompletableFuture.completedFuture(null);
  private volatile boolean started;
  private volatile boolean closed;

  /**
   * @param channels one sender runs on each
   * @param faultChannel for pages that are asked for
   * @param bandwidth of what nobody asked for
   */
  public PagePush(
      StalePages stale,
      List<? extends PageChannel> channels,
      PageChannel faultChannel,
      Bandwidth bandwidth) {
    this.stale = stale;
    this.channels = List.copyOf(channels);
    this.faultChannel = faultChannel;
    this.bandwidth = bandwidth;
    this.storedBefore = storedPages();
    this.channels.forEach(channel -> channel.onLost(stale::giveBack));
    faultChannel.onLost(stale::giveBack);
  }

  /**
   * Begins to send what every thread needs to run at all, and then what lies around demanded pages,
   * until the push is started. The target must know by now which pages will come.
   */
  public synchronized void sendAhead() {
    if (started) {
      return;
    }
    try {
      ahead = CompletableFuture.runAsync(this::sendBeforeStart, senders);
      var _ = ahead.whenComplete((nothing, failure) -> fail(failure));
    } catch (RejectedExecutionException e) {
      fail(e);
    }
  }

  /**
   * Begins to send what nobody asked for, once.
   *
   * @param resumed whether the workload runs on the target: then it is served first
   * @return completes when nothing is stale on the target; or fails with what broke
   */
  public synchronized CompletableFuture<Void> start(boolean resumed) {
    if (!started) {
      started = true;
      CompletableFuture<?>[] sending =
          channels.stream()
              .map(channel -> CompletableFuture.runAsync(() -> sendAll(channel, resumed), senders))
              .toArray(CompletableFuture[]::new);
      for (CompletableFuture<?> one : sending) {
        // At once: the other senders may wait for ever for a target that is gone.
        var _ = one.whenComplete((nothing, failure) -> fail(failure));
      }
      var _ =
          CompletableFuture.allOf(CompletableFuture.allOf(sending), ahead)
              .thenRunAsync(this::finishFaults, faultSender)
              .whenComplete(
                  (nothing, failure) -> {
                    if (failure == null) {
                      complete.complete(null);
                    } else {
                      complete.completeExceptionally(failure);
                    }
                  });
    }
    return complete;
  }

  /**
   * Sends pages that the target asks for now: on the calling thread if that need not wait, so that
   * no other must wake first. Returns at once. A demand too many, or after the end, is dropped: the
   * target demands again what it still waits for.
   *
   * @param count at most 256
   * @param again send them even if they were sent before
   */
  public void demand(int vpid, long firstPage, int count, boolean again) {
    int wanted = Math.min(count, BATCH_PAGES);
    lastDemand = System.nanoTime();
    if (!demandsThatMayWait.tryAcquire()) {
      return;
    }
    boolean answered = false;
    if (answering.tryLock()) {
      try {
        answered = !closed && faultChannel.isReadyFor(wanted);
        if (answered) {
          answer(vpid, firstPage, wanted, again);
        }
      } finally {
        answering.unlock();
      }
    }
    if (!answered) {
      answerLater(vpid, firstPage, wanted, again);
    }
  }

  /** Whether something broke: then it sends nothing more, and does not get well. */
  public boolean hasFailed() {
    return complete.isCompletedExceptionally();
  }

  /** Whether nothing is stale on the target any more. */
  public boolean isComplete() {
    return complete.isDone() && !complete.isCompletedExceptionally();
  }

  /** How far it is. */
  public PushProgress progress() {
    // What was sent twice must not stand for a page that was not sent at all. What was sent twice
    // and lost once makes this too small: it is not what says that nothing is stale.
    long stored =
        isComplete()
            ? stale.total()
            : Math.clamp(storedPages() - storedBefore - pagesSentAgain.get(), 0, stale.total());
    return new PushProgress(stale.total(), stored, contentPages.get(), zeroPages.get());
  }

  private long storedPages() {
    long stored = faultChannel.storedPages();
    for (PageChannel channel : channels) {
      stored += channel.storedPages();
    }
    return stored;
  }

  /** Stops sending. */
  @Override
  public void close() {
    senders.shutdownNow();
    faultSender.shutdownNow();
    senders.close();
    faultSender.close();
    closed = true;
    answering.lock();
    try {
      faultReader.close();
    } finally {
      answering.unlock();
    }
    complete.cancel(false);
  }

  private void answerLater(int vpid, long firstPage, int count, boolean again) {
    try {
      faultSender.execute(
          () -> {
            answering.lock();
            try {
              answer(vpid, firstPage, count, again);
            } finally {
              answering.unlock();
            }
          });
    } catch (RejectedExecutionException e) {
      demandsThatMayWait.release();
    }
  }

  private void answer(int vpid, long firstPage, int count, boolean again) {
    try {
      List<PageRange> ranges = stale.take(vpid, firstPage, count, again);
      answer(ranges, again);
      if (!ranges.isEmpty()) {
        neighbourhood.demanded(vpid, firstPage);
      }
      if (again) {
        askWhatIsStored();
      }
    } finally {
      demandsThatMayWait.release();
    }
  }

  /** What is sent again may be so after the end of the push, when nobody else asks. */
  private void askWhatIsStored() {
    try {
      var _ =
          CompletableFuture.runAsync(this::awaitFaultsStored, faultSender)
              .whenComplete((nothing, failure) -> fail(failure));
    } catch (RejectedExecutionException e) {
      fail(e);
    }
  }

  private void answer(List<PageRange> ranges, boolean again) {
    if (again) {
      ranges.forEach(range -> pagesSentAgain.addAndGet(range.count()));
    }
    try {
      if (!ranges.isEmpty()) {
        send(faultReader, ranges, faultChannel);
      }
    } catch (RuntimeException e) {
      // These pages count as taken, so nobody else will send them.
      fail(e);
    }
  }

  private void fail(@Nullable Throwable failure) {
    if (failure != null) {
      complete.completeExceptionally(failure);
    }
  }

  private void sendBeforeStart() {
    PageChannel channel = channels.getFirst();
    try (PageReader reader = new PageReader(Neighbourhood.BLOCK_PAGES)) {
      List<PageRange> shortest = stale.shortest(AHEAD_PAGES);
      boolean more = true;
      // What is taken must be sent: so it is not taken before this is asked.
      while (more && !started) {
        List<PageRange> block = stale.takeOf(shortest, Neighbourhood.BLOCK_PAGES);
        more = !block.isEmpty();
        if (more) {
          send(reader, block, channel);
          channel.awaitStored();
        }
      }
      while (!started) {
        sendNeighbourhood(reader, channel);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TransferBrokenException("the push was stopped", e);
    }
  }

  private void sendAll(PageChannel channel, boolean resumed) {
    try (PageReader reader = new PageReader(BATCH_PAGES)) {
      if (resumed) {
        letDemandsGoAlone(reader, channel);
      }
      do {
        for (List<PageRange> ranges = takeNext(); !ranges.isEmpty(); ranges = takeNext()) {
          send(reader, ranges, channel);
          giveWay();
        }
        channel.awaitStored();
        // What was lost on its way is left again.
      } while (stale.left() > 0);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TransferBrokenException("the push was stopped", e);
    }
  }

  /** Lets a demand have the processor and the network, but does not wait for ever. */
  private void giveWay() {
    for (int i = 0; i < MOST_PAUSES && isAnyDemandWaiting(); i++) {
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  private boolean isAnyDemandWaiting() {
    return demandsThatMayWait.availablePermits() < MAXIMUM_DEMANDS;
  }

  /**
   * What is taken must be sent, for a demand does not find it any more: so it is paid for before.
   */
  private List<PageRange> takeNext() throws InterruptedException {
    bandwidth.awaitPaid();
    for (Neighbourhood.Block block = neighbourhood.poll();
        block != null;
        block = neighbourhood.poll()) {
      List<PageRange> ranges =
          stale.take(block.vpid(), block.firstPage(), Neighbourhood.BLOCK_PAGES, false);
      if (!ranges.isEmpty()) {
        return ranges;
      }
    }
    return stale.takeNext(BATCH_PAGES);
  }

  private void letDemandsGoAlone(PageReader reader, PageChannel channel)
      throws InterruptedException {
    long begin = System.nanoTime();
    lastDemand = begin;
    long now = begin;
    while (now - begin < ALONE.toNanos() && now - lastDemand < CALM.toNanos()) {
      if (channel.equals(channels.getFirst())) {
        sendNeighbourhood(reader, channel);
      } else {
        Thread.sleep(LOOK);
      }
      now = System.nanoTime();
    }
  }

  /** One block at a time: what is on its way already would be in the way of a demand. */
  private void sendNeighbourhood(PageReader reader, PageChannel channel)
      throws InterruptedException {
    Neighbourhood.Block block = neighbourhood.poll(LOOK);
    if (block == null) {
      return;
    }
    List<PageRange> ranges =
        stale.take(block.vpid(), block.firstPage(), Neighbourhood.BLOCK_PAGES, false);
    if (!ranges.isEmpty()) {
      send(reader, ranges, channel);
      channel.awaitStored();
    }
  }

  /**
   * Nobody answers meanwhile: what was taken is sent, and the target tells of it, because it is
   * asked afterwards.
   */
  private void awaitFaultsStored() {
    try {
      answering.lockInterruptibly();
      try {
        faultChannel.awaitStored();
      } finally {
        answering.unlock();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TransferBrokenException("the push was stopped", e);
    }
  }

  /** Nobody else sends any more: what was lost with the fault stream, or late, is sent here. */
  private void finishFaults() {
    awaitFaultsStored();
    for (List<PageRange> lost = stale.takeNext(BATCH_PAGES);
        !lost.isEmpty();
        lost = stale.takeNext(BATCH_PAGES)) {
      answering.lock();
      try {
        send(faultReader, lost, faultChannel);
      } finally {
        answering.unlock();
      }
      awaitFaultsStored();
    }
  }

  private void send(PageReader reader, List<PageRange> ranges, PageChannel channel) {
    try {
      PageBatch batch = reader.read(ranges);
      contentPages.addAndGet(batch.contentPages());
      zeroPages.addAndGet(batch.zeroPages());
      bandwidth.pay((long) batch.contentPages() * PageSize.BYTES);
      channel.send(batch);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the frozen workload's memory", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TransferBrokenException("the push was stopped", e);
    }
  }
}
