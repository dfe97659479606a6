package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Sizes and numbers as a C compiler gives them on x86-64 and arm64. */
class LayoutsTest {
  @Test
  void pagesHave4096Bytes() {
    assertThat(PageSize.ofThisKernel()).isEqualTo(PageSize.BYTES).isEqualTo(4096);
    PageSize.requireSupported();
  }

  @Test
  void structuresHaveTheSizesOfTheirHeaders() {
    assertThat(PageMapScan.PM_SCAN_ARG.byteSize()).isEqualTo(96);
    assertThat(PageMapScan.PAGE_REGION.byteSize()).isEqualTo(24);
    assertThat(ProcessMemoryReader.IOVEC.byteSize()).isEqualTo(16);
    assertThat(Poll.POLLFD.byteSize()).isEqualTo(8);
    assertThat(UserfaultfdFacts.UFFDIO_API_ARGUMENT.byteSize()).isEqualTo(24);
  }

  @Test
  void ioctlNumbersAreThoseOfTheirHeaders() {
    assertThat(PageMapScan.PAGEMAP_SCAN).isEqualTo(0xC060_6610L);
    assertThat(UserfaultfdFacts.UFFDIO_API).isEqualTo(0xC018_AA3FL);
  }
}
