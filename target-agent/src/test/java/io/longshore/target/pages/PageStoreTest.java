package io.longshore.target.pages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
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
            List.of(new PageRange(100, 10), new PageRange(110, 5), new PageRange(1000, 20_000))),
        0);
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void movesThePositionBehindWhatItTook() {
    ByteBuffer content = Patterns.of(VPID, 100, 3);
    store.store(VPID, 100, 2, content);
    assertThat(content.remaining()).isEqualTo(4096);
    store.store(VPID, 102, 1, content);
    assertThat(content.hasRemaining()).isFalse();
    assertThat(store.stalePages()).isEqualTo(12 + 20_000);
  }

  @Test
  void zeroPagesTakeNoMemory() {
    store.storeZero(VPID, 1000, 20_000);
    assertThat(store.heldBytes()).isZero();
    assertThat(store.stalePages()).isEqualTo(15);
  }

  @Test
  void duplicatesDoNotGrowIt() {
    for (int round = 0; round < 50; round++) {
      store.store(VPID, 1000, 1024, Patterns.of(VPID, 1000, 1024));
    }
    assertThat(store.heldBytes()).isLessThanOrEqualTo((3 + KEPT_CHUNKS) * CHUNK_BYTES);
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
      assertThat(store.stalePages()).isEqualTo(15 + 20_000);
    }

    @Test
    void rangesThatOverlapAndAProcessTwiceAndKeepsNothingOfTheCall() {
      assertThatThrownBy(
              () ->
                  store.announce(
                      Map.of(7, List.of(new PageRange(1, 2), new PageRange(2, 1)), 8, List.of()),
                      0))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(
              () -> store.announce(Map.of(VPID, List.of(), 7, List.of(new PageRange(1, 1))), 0))
          .isInstanceOf(IllegalArgumentException.class);
      assertRefused(() -> store.check(7, 1, 1));
      store.announce(Map.of(7, List.of(new PageRange(1, 1))), 0);
      store.check(7, 1, 1);
    }

    @Test
    void farMorePagesThanWereAdmittedBeforeItMakesTables() {
      assertThatThrownBy(
              () -> store.announce(Map.of(7, List.of(new PageRange(0, Integer.MAX_VALUE))), 0))
          .isInstanceOf(PageStoreFullException.class);
    }

    @Test
    void contentThatIsTooShortAndFreesWhatItHadBegun() {
      try (PageStore small = new PageStore(4096)) {
        small.announce(Map.of(VPID, List.of(new PageRange(0, 8))), 0);
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

  private static void assertRefused(ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(PageNotAnnouncedException.class);
  }
}
