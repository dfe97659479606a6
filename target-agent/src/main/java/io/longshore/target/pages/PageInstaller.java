package io.longshore.target.pages;

import io.longshore.linux.Doorbell;
import io.longshore.linux.FileDescriptorHandle;
import io.longshore.linux.PollSet;
import io.longshore.linux.SystemCallException;
import io.longshore.linux.ThreadNiceness;
import io.longshore.linux.Userfaultfd;
import io.longshore.linux.Userfaultfd.Event;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives the restored processes their memory: takes over their userfaultfds, answers their threads
 * that wait for a page, follows what they do to their address spaces, and ends when they lack no
 * page any more.
 *
 * <p>What a thread waits for and is not here is demanded from the source, and waited for as long as
 * it takes. {@link #attach} for each process while it is restored, {@link #open} when all of it is
 * restored, {@link #close} after {@link #filled} or when the processes are dead: closing earlier
 * lets them read zeros. Every memory is given to the holder as well, forked children's too, and
 * when nothing is lacked the holder lets go before the memories are closed here. Thread-safe.
 */
public final class PageInstaller implements AutoCloseable {
  private static final Logger LOGGER = LoggerFactory.getLogger(PageInstaller.class);

  /**
   * Asked for together with the page that is waited for: 16 KiB. The source sends more of the
   * neighbourhood by itself, but later: here somebody waits.
   */
  private static final int DEMAND_PAGES = 4;

  /** A demand may be lost with the stream that carried it. */
  private static final long REPEAT_DEMAND_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final long LOOK_NANOS = 100_000;
  private static final Duration IDLE = Duration.ofSeconds(1);
  private static final Duration BUSY = Duration.ofMillis(1);

  private final PageStore store;
  private final Demands demands;
  private final MemoryHolder holder;
  private final MemoryLog log;
  private final Doorbell bell;
  private final CompletableFuture<Void> filled = new CompletableFuture<>();
  private final AtomicLong demandFaults = new AtomicLong();
  private final Map<ProcessMemory, ProcessPages> memories = new ConcurrentHashMap<>();
  private final Thread thread;
  private final PollSet polled = new PollSet();
  private List<Waiting> waiting = new ArrayList<>();
  private long lastLook = System.nanoTime();
  private volatile boolean changed = true;
  private volatile boolean newWay;
  private volatile boolean opened;
  private volatile boolean stopped;

  /** A fault that could not be answered while the address space was being changed. */
  private record Waiting(ProcessPages pages, ProcessMemory memory, long address) {}

  private PageInstaller(PageStore store, Demands demands, MemoryHolder holder, MemoryLog log)
      throws SystemCallException {
    this.store = store;
    this.demands = demands;
    this.holder = holder;
    this.log = log;
    this.bell = Doorbell.create();
    store.whenNothingIsLacked(bell::ring);
    demands.whenConnected(this::demandAllAgain);
    this.thread = ThreadNiceness.thread("page-faults", ThreadNiceness.URGENT, this::run);
  }

  /**
   * Begins to wait for memories.
   *
   * @param log empty; it is closed with the installer
   * @throws SystemCallException if the kernel has no descriptor left
   */
  public static PageInstaller start(
      PageStore store, Demands demands, MemoryHolder holder, MemoryLog log)
      throws SystemCallException {
    PageInstaller installer = new PageInstaller(store, demands, holder, log);
    installer.thread.start();
    return installer;
  }

  /**
   * Goes on in the place of an installer that is gone, on memories that are open: which pages they
   * lack is found out as pages come, for those that are there are kept.
   *
   * @param log of that installer; it is closed with this one
   * @param held all memories that there are, by their numbers in the log; the holder has them
   * @throws IOException if what happened to them is not known; they are left as they are then
   */
  public static PageInstaller takeUp(
      PageStore store, Demands demands, MemoryHolder holder, MemoryLog log, List<Userfaultfd> held)
      throws IOException {
    List<MemoryLog.Entry> happened = log.entries(held);
    PageInstaller installer = new PageInstaller(store, demands, holder, log);
    installer.follow(happened, held);
    store.processes().forEach(ProcessPages::open);
    installer.opened = true;
    installer.thread.start();
    // What threads waited for was told to the installer before.
    held.forEach(Userfaultfd::wakeAll);
    return installer;
  }

  /**
   * Takes over the memory of a process whose pages were announced.
   *
   * @throws IllegalStateException if they were not
   * @throws IOException if the holder cannot take it
   */
  public void attach(int vpid, Userfaultfd memory) throws IOException {
    ProcessPages pages = store.process(vpid);
    if (pages == null) {
      memory.close();
      throw new IllegalStateException("no pages of process " + vpid + " were announced");
    }
    synchronized (log) {
      pages.attach(log.held(vpid), memory);
      changed = true;
      bell.ring();
      holder.hold(memory);
    }
  }

  /** Whether no process will have to be attached. */
  public boolean expectsNoMemories() {
    return store.processes().stream().allMatch(ProcessPages::isEmpty);
  }

  /** Whether every process that pages were announced of has been attached. */
  public boolean hasAllMemories() {
    return store.processes().stream().allMatch(ProcessPages::isAttached);
  }

  /** All of it is restored: pages can go everywhere they belong. Returns at once. */
  public void open() {
    store.processes().forEach(ProcessPages::open);
    ThreadNiceness.thread("page-kept", ThreadNiceness.BULK, this::installKept).start();
  }

  /**
   * Adjacent pages of a process.
   *
   * @param vpid its id in its own namespace
   * @param firstPage address / 4096
   * @param endPage the page behind the last
   */
  public record Span(int vpid, long firstPage, long endPage) {}

  /**
   * Demands what processes lack of some pages, and waits until it is filled in. After {@link
   * #open}, and before anything of them runs.
   *
   * @return whether it is: not in time, or never, as this is closed or was given up
   */
  public boolean fillNow(List<Span> spans, Duration limit) throws InterruptedException {
    for (Span span : spans) {
      ProcessPages pages = store.process(span.vpid());
      if (pages != null) {
        for (int index :
            pages.toDemandWithin(span.firstPage(), span.endPage(), System.nanoTime())) {
          demand(pages, index);
        }
      }
    }
    long end = System.nanoTime() + limit.toNanos();
    while (!spans.stream().allMatch(this::hasAll)) {
      if (stopped || filled.isCompletedExceptionally() || System.nanoTime() - end > 0) {
        return false;
      }
      TimeUnit.NANOSECONDS.sleep(LOOK_NANOS);
    }
    return true;
  }

  private boolean hasAll(Span span) {
    ProcessPages pages = store.process(span.vpid());
    return pages == null || pages.lackedWithin(span.firstPage(), span.endPage()).isEmpty();
  }

  /**
   * Completes when no process lacks a page any more, or fails if that can never be: then what is
   * restored must not run.
   */
  public CompletableFuture<Void> filled() {
    return filled;
  }

  /** Pages that are missing will not come any more: {@link #filled} fails. */
  public void giveUp(Throwable why) {
    filled.completeExceptionally(why);
  }

  /** Pages that a thread waited for and that were still on the source. */
  public DemandFaults demandFaults() {
    return new DemandFaults(
        demandFaults.get(), store.waits().quantile(0.5), store.waits().quantile(0.99));
  }

  /** Again does nothing. */
  @Override
  public synchronized void close() {
    demands.whenConnected(() -> {});
    if (stopped) {
      return;
    }
    stopped = true;
    bell.ring();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    closeMemories();
    bell.close();
    log.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void installKept() {
    try {
      store.processes().forEach(ProcessPages::installKept);
      opened = true;
      bell.ring();
    } catch (RuntimeException e) {
      filled.completeExceptionally(e);
    }
  }

  private void run() {
    try {
      List<ProcessMemory> order = List.of();
      while (!stopped && !isFilled()) {
        if (changed) {
          changed = false;
          order = poll();
        }
        int ready = polled.await(waiting.isEmpty() ? IDLE : BUSY);
        if (ready > 0) {
          if (polled.isReady(0)) {
            bell.silence();
          }
          for (int i = 0; i < order.size(); i++) {
            if (polled.isReady(i + 1)) {
              serve(order.get(i));
            }
          }
        }
        answerWaiting();
        repeatDemands();
      }
      if (isFilled()) {
        holder.release();
        closeMemories();
        filled.complete(null);
      }
    } catch (SystemCallException | RuntimeException e) {
      filled.completeExceptionally(e);
    }
  }

  /**
   * At once when nothing is lacked: a process that forks would wait for somebody to read of it. Not
   * while another thread still fills.
   */
  private void closeMemories() {
    for (ProcessPages pages : store.processes()) {
      pages.eventLock().lock();
      try {
        pages.memories().forEach(memory -> memory.memory().close());
      } finally {
        pages.eventLock().unlock();
      }
    }
  }

  private boolean isFilled() {
    return opened && store.lackedPages() == 0;
  }

  /** Waits for all memories there are now. */
  private List<ProcessMemory> poll() {
    List<ProcessMemory> order = new ArrayList<>();
    List<FileDescriptorHandle> descriptors = new ArrayList<>();
    descriptors.add(bell.descriptor());
    for (ProcessPages pages : store.processes()) {
      pages.eventLock().lock();
      try {
        for (ProcessMemory memory : pages.memories()) {
          order.add(memory);
          descriptors.add(memory.memory().descriptor());
          memories.put(memory, pages);
        }
      } finally {
        pages.eventLock().unlock();
      }
    }
    polled.set(descriptors);
    return order;
  }

  /** Reads and follows what happened in a process, and answers its threads. */
  private void serve(ProcessMemory memory) throws SystemCallException {
    ProcessPages pages = pagesOf(memory);
    List<Integer> missing = new ArrayList<>();
    pages.eventLock().lock();
    try {
      List<Event> events = log.read(memory.number(), memory.memory());
      // First of all: until they are held, children are lost with this process.
      Iterator<Integer> children = holdChildren(events).iterator();
      for (Event event : events) {
        switch (event) {
          case Event.Fault(long address) -> answer(pages, memory, address, missing);
          case Event.Fork(Userfaultfd child) -> {
            var _ = pages.fork(memory, children.next(), child);
            changed = true;
          }
          case Event.Remap _, Event.Remove _, Event.Unmap _ -> memory.follow(event);
        }
      }
    } finally {
      pages.eventLock().unlock();
    }
    demandFirst(pages, missing);
  }

  /** What an installer that is gone had followed. */
  private void follow(List<MemoryLog.Entry> happened, List<Userfaultfd> held) throws IOException {
    Map<Integer, ProcessMemory> byNumber = new HashMap<>();
    for (MemoryLog.Entry entry : happened) {
      switch (entry) {
        case MemoryLog.Entry.Held(int number, int vpid) when vpid != 0 -> {
          ProcessPages pages = store.process(vpid);
          if (pages == null) {
            throw new IOException("process " + vpid + " is in no image");
          }
          ProcessMemory memory = pages.attach(number, held.get(number));
          byNumber.put(number, memory);
          memories.put(memory, pages);
        }
        // Where it was forked.
        case MemoryLog.Entry.Held _ -> {}
        case MemoryLog.Entry.Happened(int _, Event.Fault _) -> {}
        case MemoryLog.Entry.Happened(int number, Event.Fork(Userfaultfd child)) -> {
          ProcessMemory parent = known(byNumber, number);
          ProcessPages pages = pagesOf(parent);
          int childNumber = held.indexOf(child);
          ProcessMemory memory = pages.fork(parent, childNumber, child);
          byNumber.put(childNumber, memory);
          memories.put(memory, pages);
        }
        case MemoryLog.Entry.Happened(int number, Event event) ->
            known(byNumber, number).follow(event);
      }
    }
  }

  private static ProcessMemory known(Map<Integer, ProcessMemory> byNumber, int number)
      throws IOException {
    ProcessMemory memory = byNumber.get(number);
    if (memory == null) {
      throw new IOException("something happened to memory " + number + ", which there is not");
    }
    return memory;
  }

  /** Their numbers. */
  private List<Integer> holdChildren(List<Event> events) {
    List<Integer> numbers = new ArrayList<>();
    for (Event event : events) {
      if (event instanceof Event.Fork(Userfaultfd child)) {
        synchronized (log) {
          numbers.add(log.held(0));
          try {
            holder.hold(child);
          } catch (IOException e) {
            LOGGER.error(
                "A child's memory is filled, but would read zeros if this agent died now", e);
          }
        }
      }
    }
    return numbers;
  }

  private void demandFirst(ProcessPages pages, List<Integer> missing) {
    for (int index : missing) {
      demandFaults.incrementAndGet();
      demand(pages, index);
    }
  }

  private void answer(
      ProcessPages pages, ProcessMemory memory, long address, List<Integer> missing) {
    switch (pages.answer(memory, address, System.nanoTime())) {
      case DONE -> {}
      case AGAIN -> waiting.add(new Waiting(pages, memory, address));
      case DEMAND -> missing.add(memory.indexAt(address));
    }
  }

  private void answerWaiting() {
    if (waiting.isEmpty()) {
      return;
    }
    List<Waiting> now = waiting;
    waiting = new ArrayList<>();
    for (Waiting one : now) {
      List<Integer> missing = new ArrayList<>();
      one.pages.eventLock().lock();
      try {
        answer(one.pages, one.memory, one.address, missing);
      } finally {
        one.pages.eventLock().unlock();
      }
      demandFirst(one.pages, missing);
    }
  }

  private void demandAllAgain() {
    newWay = true;
    bell.ring();
  }

  private void repeatDemands() {
    long now = System.nanoTime();
    long before = now - REPEAT_DEMAND_NANOS;
    if (newWay) {
      newWay = false;
      // All: those that went the old way may have got lost with it.
      before = now;
    } else if (now - lastLook < REPEAT_DEMAND_NANOS) {
      return;
    }
    lastLook = now;
    for (ProcessPages pages : store.processes()) {
      for (int index : pages.overdue(before, now)) {
        demand(pages, index);
      }
    }
  }

  private void demand(ProcessPages pages, int index) {
    demands.demand(pages.vpid(), pages.page(index), pages.adjacentFrom(index, DEMAND_PAGES), false);
  }

  private ProcessPages pagesOf(ProcessMemory memory) {
    ProcessPages pages = memories.get(memory);
    if (pages == null) {
      throw new IllegalStateException("a memory that nobody waits for");
    }
    return pages;
  }
}
