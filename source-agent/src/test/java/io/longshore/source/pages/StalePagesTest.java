package io.longshore.source.pages;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class StalePagesTest {
  private static final List<PageRange> RANGES =
      List.of(range(1, 100, 10), range(1, 200, 5), range(2, 100, 10));

  private final StalePages stale = new StalePages(RANGES);

  @Test
  void givesPagesInOrderAndEachOnce() {
    assertThat(stale.total()).isEqualTo(25);
    assertThat(stale.takeNext(4)).containsExactly(range(1, 100, 4));
    assertThat(stale.takeNext(8)).containsExactly(range(1, 104, 6), range(1, 200, 2));
    assertThat(stale.left()).isEqualTo(13);
    assertThat(stale.takeNext(100)).containsExactly(range(1, 202, 3), range(2, 100, 10));
    assertThat(stale.takeNext(100)).isEmpty();
    assertThat(stale.left()).isZero();
    assertThat(stale.total()).isEqualTo(25);
  }

  @Test
  void leavesOutWhatWasDemandedBefore() {
    assertThat(stale.take(1, 102, 3, false)).containsExactly(range(1, 102, 3));
    assertThat(stale.take(1, 100, 10, false)).containsExactly(range(1, 100, 2), range(1, 105, 5));
    assertThat(stale.take(1, 100, 10, false)).isEmpty();
    assertThat(stale.takeNext(6)).containsExactly(range(1, 200, 5), range(2, 100, 1));
  }

  @Test
  void givesAgainWhatWasGivenBack() {
    assertThat(stale.takeNext(100)).hasSize(3);
    stale.giveBack(List.of(range(1, 104, 2), range(2, 100, 10)));
    // Twice is no harm, nor is what was never there.
    stale.giveBack(List.of(range(1, 104, 2), range(1, 150, 9), range(3, 1, 1)));
    assertThat(stale.left()).isEqualTo(12);
    assertThat(stale.take(1, 105, 1, false)).containsExactly(range(1, 105, 1));
    assertThat(stale.takeNext(100)).containsExactly(range(1, 104, 1), range(2, 100, 10));
    assertThat(stale.left()).isZero();
  }

  @Test
  void leavesOutOfADemandWhatWasSent() {
    assertThat(stale.takeNext(3)).hasSize(1);
    assertThat(stale.take(1, 100, 4, false)).containsExactly(range(1, 103, 1));
  }

  @Test
  void givesPagesAgainOnlyIfTheyAreNeededAgainAndDoesNotCountThemTwice() {
    assertThat(stale.takeNext(100)).isNotEmpty();
    assertThat(stale.take(1, 102, 2, false)).isEmpty();
    assertThat(stale.take(1, 102, 2, true)).containsExactly(range(1, 102, 2));
    assertThat(stale.left()).isZero();
  }

  @Test
  void givesOfADemandOnlyWhatExists() {
    assertThat(stale.take(1, 95, 8, false)).containsExactly(range(1, 100, 3));
    assertThat(stale.take(1, 108, 94, false)).containsExactly(range(1, 108, 2), range(1, 200, 2));
    assertThat(stale.take(3, 100, 5, false)).isEmpty();
    assertThat(stale.take(1, 110, 5, false)).isEmpty();
    for (long page : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE}) {
      assertThat(stale.take(1, page, 1, true)).isEmpty();
    }
    assertThat(stale.take(1, 100, 0, true)).isEmpty();
    assertThat(stale.take(1, 100, -5, true)).isEmpty();
    assertThat(stale.left()).isEqualTo(25 - 3 - 4);
  }

  @Test
  void knowsItsShortestRanges() {
    assertThat(stale.shortest(4)).isEmpty();
    assertThat(stale.shortest(5)).containsExactly(range(1, 200, 5));
    assertThat(stale.shortest(15)).containsExactly(range(1, 100, 10), range(1, 200, 5));
    assertThat(stale.takeNext(3)).hasSize(1);
    assertThat(stale.shortest(100)).containsExactlyElementsOf(RANGES);
  }

  @Test
  void nobodyTakesAPageThatAnotherTook() throws Exception {
    int pages = 200_000;
    StalePages many =
        new StalePages(List.of(range(1, 0, pages / 2), range(1, pages / 2, pages / 2)));
    AtomicIntegerArray taken = new AtomicIntegerArray(pages);
    List<Thread> takers = new ArrayList<>();
    long seed = System.nanoTime();
    System.out.println("seed: " + seed);
    for (int i = 0; i < 4; i++) {
      Random random = new Random(seed + i);
      boolean demanding = i == 0;
      takers.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    List<PageRange> got;
                    do {
                      got =
                          demanding
                              ? many.take(1, random.nextInt(pages), 16, false)
                              : many.takeNext(1 + random.nextInt(256));
                      for (PageRange piece : got) {
                        for (int p = 0; p < piece.count(); p++) {
                          taken.incrementAndGet((int) piece.firstPage() + p);
                        }
                      }
                    } while (demanding ? many.left() > 0 : !got.isEmpty());
                  }));
    }
    for (Thread taker : takers) {
      taker.join();
    }
    for (int page = 0; page < pages; page++) {
      assertThat(taken.get(page)).isEqualTo(1);
    }
  }

  private static PageRange range(int vpid, long firstPage, int count) {
    return new PageRange(vpid, vpid + 1000, firstPage, count);
  }
}
