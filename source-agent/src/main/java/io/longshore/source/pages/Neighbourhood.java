package io.longshore.source.pages;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What lies around the pages that the workload's threads wait for: they will soon want it too. A
 * block of 256 KiB from the first demand in it on, and the 2 MiB around it from the third on. The
 * newest first, because the workload has moved on from the others. Thread-safe.
 */
final class Neighbourhood {
  /** Pages of a block, which is aligned to its size. */
  static final int BLOCK_PAGES = 64;

  private static final int WIDE_BLOCKS = 8;
  private static final int DEMANDS_FOR_WIDE = 3;

  @GuardedBy("this")
  private final Deque<Block> wanted = new ArrayDeque<>();

  @GuardedBy("this")
  private final Set<Block> known = new HashSet<>();

  /** How often something was demanded of 2 MiB. */
  @GuardedBy("this")
  private final Map<Block, Integer> demands = new HashMap<>();

  /**
   * Pages that are sent together.
   *
   * @param vpid process id in its own pid namespace
   * @param number address / 256 KiB
   */
  record Block(int vpid, long number) {
    long firstPage() {
      return number * BLOCK_PAGES;
    }
  }

  /** Takes note of a demand for a page that exists. */
  synchronized void demanded(int vpid, long page) {
    Block block = new Block(vpid, page / BLOCK_PAGES);
    long wide = block.number / WIDE_BLOCKS;
    if (demands.merge(new Block(vpid, wide), 1, Integer::sum) == DEMANDS_FOR_WIDE) {
      for (int i = WIDE_BLOCKS - 1; i >= 0; i--) {
        want(new Block(vpid, wide * WIDE_BLOCKS + i));
      }
    }
    want(block);
  }

  /** The block that is most likely to be wanted next, each once; null if there is none. */
  synchronized @Nullable Block poll() {
    return wanted.pollFirst();
  }

  /** As {@link #poll()}, and waits for one. */
  synchronized @Nullable Block poll(Duration atMost) throws InterruptedException {
    long deadline = System.nanoTime() + atMost.toNanos();
    for (long left = atMost.toNanos();
        wanted.isEmpty() && left > 0;
        left = deadline - System.nanoTime()) {
      wait(left / 1_000_000, (int) (left % 1_000_000));
    }
    return wanted.pollFirst();
  }

  @GuardedBy("this")
  private void want(Block block) {
    if (known.add(block)) {
      wanted.addFirst(block);
      notifyAll();
    }
  }
}
