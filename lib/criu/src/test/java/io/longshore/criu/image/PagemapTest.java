package io.longshore.criu.image;

import static io.longshore.criu.image.PagemapEntry.LAZY;
import static io.longshore.criu.image.PagemapEntry.PRESENT;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class PagemapTest {
  private static final Pagemap MAP = new Pagemap(1, List.of(entry(10, 4), entry(20, 2)));

  @Test
  void moreEntriesComeInTheirPlaces() {
    assertThat(MAP.with(List.of(more(30, 1), more(14, 6), more(2, 3))).entries())
        .containsExactly(more(2, 3), entry(10, 4), more(14, 6), entry(20, 2), more(30, 1));
  }

  @Test
  void ofMoreEntriesOnlyTheirOtherPagesCome() {
    assertThat(MAP.with(List.of(more(8, 3), more(13, 12))).entries())
        .containsExactly(more(8, 2), entry(10, 4), more(14, 6), entry(20, 2), more(22, 3));
    assertThat(MAP.with(List.of(more(10, 4), more(21, 1))).entries()).isEqualTo(MAP.entries());
  }

  @Test
  void moreEntriesMayOverlapEachOther() {
    assertThat(MAP.with(List.of(more(30, 5), more(30, 9), more(31, 2))).entries())
        .containsExactly(entry(10, 4), entry(20, 2), more(30, 5), more(35, 4));
    assertThat(MAP.with(List.of(more(5, 20), more(5, 20), more(12, 20))).entries())
        .containsExactly(
            more(5, 5), entry(10, 4), more(14, 6), entry(20, 2), more(22, 3), more(25, 7));
  }

  private static PagemapEntry entry(long page, long pages) {
    return new PagemapEntry(page * PagemapEntry.PAGE_BYTES, pages, PRESENT | LAZY);
  }

  private static PagemapEntry more(long page, long pages) {
    return new PagemapEntry(page * PagemapEntry.PAGE_BYTES, pages, LAZY);
  }
}
