package io.longshore.target.pages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What came in rounds, until the images are announced. */
@Timeout(60)
final class RoundPagesTest {
  private static final int VPID = 42;
  private static final long CHUNK_BYTES = 2 << 20;
  private final PageStore store = new PageStore(64 << 20);

  @AfterEach
  void close() {
    store.close();
  }

  private void keep(long firstPage, int count) {
    store.keepOfRound(VPID, new PageRange(firstPage, count), Patterns.of(VPID, firstPage, count));
  }

  @Test
  void whatCameInRoundsAndIsAnnouncedNeedNotComeAgain() {
    keep(100, 200);
    store.keepZeroOfRound(VPID, new PageRange(300, 10));
    store.announce(Map.of(VPID, List.of(new PageRange(50, 300))), 210);
    assertThat(store.stalePages()).isEqualTo(90);
  }

  @Test
  void whatWasWrittenSinceIsStale() {
    keep(100, 200);
    store.forgetOfRound(VPID, 150, 20);
    store.forgetOfRound(VPID, 190, Long.MAX_VALUE - 1000);
    store.forgetOfRound(VPID, -5, 10);
    store.forgetOfRound(7, 100, 10);
    store.announce(Map.of(VPID, List.of(new PageRange(100, 200))), 70);
    assertThat(store.stalePages()).isEqualTo(130);
  }

  @Test
  void manyRoundsTakeNoMoreThanOne() {
    keep(1000, 4096);
    long once = store.heldBytes();
    for (int round = 0; round < 20; round++) {
      store.keepZeroOfRound(VPID, new PageRange(1000 + 7L * round, 5));
      keep(1000, 4096);
      store.forgetOfRound(VPID, 1000 + 11L * round, 3);
      keep(1000 + 11L * round, 3);
    }
    assertThat(store.heldBytes()).isLessThanOrEqualTo(once + CHUNK_BYTES);
  }

  @Test
  void refusesToGuessWhichPagesAreStale() {
    keep(100, 10);
    Map<Integer, List<PageRange>> announced = Map.of(VPID, List.of(new PageRange(100, 20)));
    assertThatThrownBy(() -> store.announce(announced, 9))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("10 of the pages came in rounds");
    assertThatThrownBy(() -> store.announce(announced, 11))
        .isInstanceOf(IllegalArgumentException.class);
    store.announce(announced, 10);
    assertThat(store.stalePages()).isEqualTo(10);
  }

  @Test
  void takesNoRoundsAfterTheImages() {
    store.announce(Map.of(VPID, List.of(new PageRange(100, 20))), 0);
    assertThatThrownBy(() -> keep(100, 1)).isInstanceOf(PageNotAnnouncedException.class);
    assertThatThrownBy(() -> store.keepZeroOfRound(VPID, new PageRange(1, 1)))
        .isInstanceOf(PageNotAnnouncedException.class);
  }

  @Test
  void keepsNoMoreThanWasAdmitted() {
    try (PageStore small = new PageStore(4096)) {
      ByteBuffer content = Patterns.of(VPID, 0, 512);
      assertThatThrownBy(
              () -> {
                for (long page = 0; page < 1 << 20; page += 512) {
                  small.keepOfRound(VPID, new PageRange(page, 512), content.rewind());
                }
              })
          .isInstanceOf(PageStoreFullException.class);
      // Zeros take none, but their places do.
      assertThatThrownBy(
              () -> {
                for (long page = 0; page < 1 << 24; page += 64) {
                  small.keepZeroOfRound(VPID, new PageRange(page, 1));
                }
              })
          .isInstanceOf(PageStoreFullException.class);
    }
  }
}
