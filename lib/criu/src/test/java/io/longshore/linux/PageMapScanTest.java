package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PageMapScanTest {
  private static final int SELF = (int) ProcessHandle.current().pid();
  private static final long PAGE = PageSize.BYTES;

  private record Region(long start, long end, long categories) {}

  @Test
  void thisKernelHasIt() throws Exception {
    assertThat(PageMapScan.isSupported()).isTrue();
  }

  @Test
  void reportsWrittenPagesAndNeitherUntouchedNorReadOnes() throws Exception {
    try (AnonymousMemory memory = AnonymousMemory.map(64 * PAGE);
        PageMapScan scan = PageMapScan.open(SELF)) {
      MemorySegment segment = memory.segment();
      long start = segment.address();
      for (int page : new int[] {3, 4, 5, 9}) {
        segment.set(ValueLayout.JAVA_BYTE, page * PAGE, (byte) 1);
      }
      // Reading alone maps the kernel's page of zeros.
      byte zero = segment.get(ValueLayout.JAVA_BYTE, 20 * PAGE);
      assertThat(zero).isZero();

      assertThat(regions(scan, memory, PageQuery.OWN_CONTENT))
          .containsExactly(
              new Region(start + 3 * PAGE, start + 6 * PAGE, 0),
              new Region(start + 9 * PAGE, start + 10 * PAGE, 0));
      assertThat(regions(scan, memory, PageQuery.POPULATED.reporting(PageCategory.ZERO)))
          .contains(new Region(start + 20 * PAGE, start + 21 * PAGE, PageCategory.ZERO))
          .hasSize(3);
    }
  }

  @Test
  void findsMoreRegionsThanItsBufferHolds() throws Exception {
    int count = 20_000;
    try (AnonymousMemory memory = AnonymousMemory.map(2L * count * PAGE);
        PageMapScan scan = PageMapScan.open(SELF)) {
      for (long page = 0; page < 2L * count; page += 2) {
        memory.segment().set(ValueLayout.JAVA_BYTE, page * PAGE, (byte) 1);
      }
      List<Region> regions = regions(scan, memory, PageQuery.OWN_CONTENT);
      assertThat(regions).hasSize(count);
      for (int i = 0; i < count; i++) {
        long start = memory.segment().address() + 2L * i * PAGE;
        assertThat(regions.get(i)).isEqualTo(new Region(start, start + PAGE, 0));
      }
    }
  }

  @Test
  void leavesOutPagesOfFiles() throws Exception {
    Mapping text =
        Mappings.read(SELF).stream()
            .filter(mapping -> mapping.kind() == Mapping.Kind.FILE_PRIVATE && mapping.executable())
            .findFirst()
            .orElseThrow();
    try (PageMapScan scan = PageMapScan.open(SELF)) {
      assertThat(scan.scan(text.start(), text.end(), PageQuery.POPULATED, (s, e, c) -> {}))
          .isPositive();
      assertThat(scan.scan(text.start(), text.end(), PageQuery.OWN_CONTENT, (s, e, c) -> {}))
          .isZero();
    }
  }

  @Test
  void refusesTrackingWhereNoneIsArmed() throws Exception {
    try (AnonymousMemory memory = AnonymousMemory.map(PAGE);
        PageMapScan scan = PageMapScan.open(SELF)) {
      memory.segment().fill((byte) 1);
      assertThatThrownBy(() -> regions(scan, memory, PageQuery.WRITTEN_THEN_PROTECT))
          .isInstanceOfSatisfying(
              SystemCallException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));
    }
  }

  @Test
  void saysThatTheProcessHasEnded() throws Exception {
    Child child = Child.sleeping();
    try (PageMapScan scan = PageMapScan.open(child.pid())) {
      child.close();
      assertThatThrownBy(() -> scan.scan(0, 1L << 40, PageQuery.POPULATED, (s, e, c) -> {}))
          .isInstanceOfSatisfying(
              SystemCallException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ESRCH));
    }
  }

  private static List<Region> regions(PageMapScan scan, AnonymousMemory memory, PageQuery query)
      throws IOException {
    List<Region> regions = new ArrayList<>();
    long start = memory.segment().address();
    long pages =
        scan.scan(
            start,
            start + memory.byteSize(),
            query,
            (from, to, categories) -> regions.add(new Region(from, to, categories)));
    assertThat(pages)
        .isEqualTo(regions.stream().mapToLong(r -> (r.end() - r.start()) / PAGE).sum());
    return regions;
  }
}
