package io.longshore.target.pages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class PageStoreTest {
  private static final int VPID = 42;
  private static final long CHUNK_BYTES = 2 << 20;
  private static final int KEPT_CHUNKS = 8;
  private static final long LIMIT = 256 << 20;

  private final PageStore store = new PageStore(LIMIT);

  @BeforeEach
  void announce() {
    store.announce(
        Map.of(
            VPID,
            List.of(new PageRange(100, 10), new PageRange(110, 5), new PageRange(1000, 20_000))));
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void takesPagesInAnyOrderAndGivesThemInOrder() {
    store.store(VPID, 105, 5, Patterns.of(VPID, 105, 5));
    assertThat(read(100, 10)).isEmpty();
    store.store(VPID, 100, 2, Patterns.of(VPID, 100, 2));
    assertThat(read(100, 10)).containsExactly(bytes(Patterns.of(VPID, 100, 2)));
    store.store(VPID, 102, 3, Patterns.of(VPID, 102, 3));
    assertThat(read(100, 10)).containsExactly(bytes(Patterns.of(VPID, 100, 10)));
    assertThat(store.stalePages()).isEqualTo(5 + 20_000);
  }

  @Test
  void movesThePositionBehindWhatItCopied() {
    ByteBuffer content = Patterns.of(VPID, 100, 3);
    store.store(VPID, 100, 2, content);
    assertThat(content.remaining()).isEqualTo(4096);
    store.store(VPID, 102, 1, content);
    assertThat(read(100, 3)).containsExactly(bytes(Patterns.of(VPID, 100, 3)));
  }

  @Test
  void answersNoMoreThanOneRangeAndNoMoreThanAsked() {
    store.store(VPID, 100, 10, Patterns.of(VPID, 100, 10));
    store.store(VPID, 110, 5, Patterns.of(VPID, 110, 5));
    assertThat(read(108, 7)).containsExactly(bytes(Patterns.of(VPID, 108, 2)));
    assertThat(read(100, 3)).hasSize(3 * 4096);
  }

  @Test
  void zeroPagesTakeNoMemory() {
    store.storeZero(VPID, 1000, 20_000);
    assertThat(store.heldBytes()).isZero();
    assertThat(store.stalePages()).isEqualTo(15);
    assertThat(read(1000, 1000)).containsExactly(new byte[1000 * 4096]);
  }

  @Test
  void mixesZeroPagesAndOthers() {
    store.storeZero(VPID, 101, 2);
    store.store(VPID, 100, 1, Patterns.of(VPID, 100, 1));
    store.store(VPID, 103, 1, Patterns.of(VPID, 103, 1));
    ByteBuffer expected = ByteBuffer.allocate(4 * 4096);
    expected.put(Patterns.of(VPID, 100, 1)).position(3 * 4096).put(Patterns.of(VPID, 103, 1));
    assertThat(read(100, 4)).containsExactly(expected.array());
  }

  @Test
  void theFirstCopyStays() {
    store.store(VPID, 100, 1, Patterns.of(VPID, 100, 1));
    store.store(VPID, 100, 2, Patterns.of(VPID, 100, 2, 9));
    store.storeZero(VPID, 100, 2);
    assertThat(read(100, 1)).containsExactly(bytes(Patterns.of(VPID, 100, 1)));
    assertThat(read(101, 1)).containsExactly(bytes(Patterns.of(VPID, 101, 1, 9)));
    store.storeZero(VPID, 102, 1);
    store.store(VPID, 102, 1, Patterns.of(VPID, 102, 1));
    assertThat(read(102, 1)).containsExactly(new byte[4096]);
    assertThat(store.stalePages()).isEqualTo(12 + 20_000);
  }

  @Test
  void duplicatesDoNotGrowIt() {
    for (int round = 0; round < 50; round++) {
      store.store(VPID, 1000, 1024, Patterns.of(VPID, 1000, 1024));
    }
    assertThat(store.heldBytes()).isLessThanOrEqualTo((3 + KEPT_CHUNKS) * CHUNK_BYTES);
  }

  @Test
  void memoryGoesAsPagesAreInstalledAndComesBackForThoseNeededAgain() throws Exception {
    int first = 1000;
    store.store(VPID, first, 20_000, Patterns.of(VPID, first, 20_000));
    long full = store.heldBytes();
    assertThat(full).isGreaterThanOrEqualTo(20_000 * 4096L);
    AddressSpace space = store.space(VPID, first, 1);
    for (long page = first; page < first + 20_000; page += 100) {
      assertThat(space.find(page, 100, new ArrayList<>())).isEqualTo(100);
      space.installed(page, 100);
    }
    assertThat(store.heldBytes())
        .isLessThanOrEqualTo((1 + KEPT_CHUNKS) * CHUNK_BYTES)
        .isLessThan(full);
    assertThat(space.isInstalled(first)).isTrue();
    assertThat(read(first, 1)).isEmpty();
    assertThat(space.awaitPage(first, 1_000_000)).isFalse();

    store.store(VPID, first, 1, Patterns.of(VPID, first, 1));
    assertThat(space.isInstalled(first)).isFalse();
    assertThat(read(first, 1)).containsExactly(bytes(Patterns.of(VPID, first, 1)));
    assertThat(store.stalePages()).isEqualTo(15);
  }

  @Test
  void whoWaitsForAPageIsWokenByItAndByNoOther() throws Exception {
    AtomicReference<Boolean> came = new AtomicReference<>();
    AddressSpace space = store.space(VPID, 100, 1);
    Thread waiter =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    came.set(space.awaitPage(104, TimeUnit.SECONDS.toNanos(20)));
                  } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                  }
                });
    Awaitility.await().until(() -> waiter.getState() == Thread.State.TIMED_WAITING);
    store.storeZero(VPID, 100, 4);
    assertThat(waiter.join(Duration.ofMillis(200))).isFalse();
    store.storeZero(VPID, 104, 1);
    assertThat(waiter.join(Duration.ofSeconds(5))).isTrue();
    assertThat(came.get()).isTrue();
  }

  @Test
  void severalStreamsAtOnceLoseNothing() throws Exception {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < 20_000; i += 10) {
      order.add(i);
    }
    long seed = System.nanoTime();
    System.out.println("seed: " + seed);
    Collections.shuffle(order, new Random(seed));
    List<Thread> streams = new ArrayList<>();
    for (int stream = 0; stream < 4; stream++) {
      int own = stream;
      streams.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = own; i < order.size(); i += 4) {
                      long page = 1000L + order.get(i);
                      store.store(VPID, page, 10, Patterns.of(VPID, page, 10));
                    }
                  }));
    }
    for (Thread stream : streams) {
      stream.join();
    }
    assertThat(store.stalePages()).isEqualTo(15);
    assertThat(read(1000, 20_000)).containsExactly(bytes(Patterns.of(VPID, 1000, 20_000)));
  }

  @Nested
  final class Refuses {
    @Test
    void pagesThatWereNotAnnounced() {
      assertRefused(() -> store.store(VPID, 99, 1, Patterns.of(VPID, 99, 1)));
      assertRefused(() -> store.store(VPID, 99, 2, Patterns.of(VPID, 99, 2)));
      assertRefused(() -> store.store(VPID, 114, 2, Patterns.of(VPID, 114, 2)));
      assertRefused(() -> store.storeZero(VPID, 115, 1));
      assertRefused(() -> store.storeZero(VPID + 1, 100, 1));
      assertRefused(() -> store.check(VPID, -1, 1));
      assertRefused(() -> store.check(VPID, Long.MAX_VALUE, 1));
      assertRefused(() -> store.check(VPID, Long.MIN_VALUE, 1));
      assertRefused(() -> store.check(VPID, 100, Integer.MAX_VALUE));
      assertRefused(() -> store.check(VPID, 100, 0));
      assertRefused(() -> store.check(VPID, 100, -1));
      assertThat(store.stalePages()).isEqualTo(15 + 20_000);
      assertThat(store.heldBytes()).isZero();
    }

    @Test
    void aRunOverTwoRangesAlsoWhenTheyAreAdjacent() {
      assertRefused(() -> store.store(VPID, 109, 2, Patterns.of(VPID, 109, 2)));
      assertThat(read(109, 1)).isEmpty();
    }

    @Test
    void rangesThatOverlapAndAProcessTwiceAndKeepsNothingOfTheCall() {
      assertThatThrownBy(
              () ->
                  store.announce(
                      Map.of(7, List.of(new PageRange(1, 2), new PageRange(2, 1)), 8, List.of())))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(
              () -> store.announce(Map.of(VPID, List.of(), 7, List.of(new PageRange(1, 1)))))
          .isInstanceOf(IllegalArgumentException.class);
      assertRefused(() -> store.check(7, 1, 1));
      store.announce(Map.of(7, List.of(new PageRange(1, 1))));
      store.check(7, 1, 1);
    }

    @Test
    void farMorePagesThanWereAdmittedBeforeItMakesTables() {
      assertThatThrownBy(
              () -> store.announce(Map.of(7, List.of(new PageRange(0, Integer.MAX_VALUE)))))
          .isInstanceOf(PageStoreFullException.class);
    }

    @Test
    void contentThatIsTooShortAndFreesWhatItHadBegun() {
      try (PageStore small = new PageStore(4096)) {
        small.announce(Map.of(VPID, List.of(new PageRange(0, 8))));
        ByteBuffer page = Patterns.of(VPID, 0, 1);
        assertThatThrownBy(() -> small.store(VPID, 0, 2, page))
            .isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(small.stalePages()).isEqualTo(8);
        small.store(VPID, 0, 1, Patterns.of(VPID, 0, 1));
        assertThat(small.heldBytes()).isEqualTo(CHUNK_BYTES);
      }
    }

    @Test
    void rangesThatCannotBe() {
      assertThatThrownBy(() -> new PageRange(-1, 1)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> new PageRange(1, 0)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> new PageRange(Long.MAX_VALUE, 1))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void holdsNothingAfterClose() {
    store.store(VPID, 100, 1, Patterns.of(VPID, 100, 1));
    store.close();
    assertThat(store.heldBytes()).isZero();
    assertThatThrownBy(() -> store.store(VPID, 101, 1, Patterns.of(VPID, 101, 1)))
        .isInstanceOf(IllegalStateException.class);
  }

  private byte[] read(long page, int atMost) {
    List<ByteBuffer> content = new ArrayList<>();
    int found = store.space(VPID, page, atMost).find(page, atMost, content);
    ByteBuffer all = ByteBuffer.allocate(found * 4096);
    content.forEach(all::put);
    assertThat(all.hasRemaining()).isFalse();
    return all.array();
  }

  private static byte[] bytes(ByteBuffer content) {
    byte[] bytes = new byte[content.remaining()];
    content.get(bytes);
    return bytes;
  }

  private static void assertRefused(ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(PageNotAnnouncedException.class);
  }
}
