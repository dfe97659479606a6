package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

class AnonymousMemoryTest {
  private static final int SELF = (int) ProcessHandle.current().pid();

  @Test
  void beginsAtAHugePageAndReadsAsZeros() throws Exception {
    try (AnonymousMemory memory = AnonymousMemory.map(5_000)) {
      assertThat(memory.byteSize()).isEqualTo(2 * PageSize.BYTES);
      assertThat(memory.segment().address() % PageSize.HUGE_BYTES).isZero();
      assertThat(ZeroPages.isZero(memory.segment(), PageSize.BYTES)).isTrue();
    }
  }

  @Test
  void takesNoMemoryUntilItIsWritten() throws Exception {
    try (AnonymousMemory memory = AnonymousMemory.map(64L << 20)) {
      assertThat(usage(memory).residentBytes()).isZero();
      memory.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
      assertThat(usage(memory).residentBytes()).isEqualTo(PageSize.BYTES);
    }
  }

  @Test
  void takesAllMemoryAtOnceIfAsked() throws Exception {
    long bytes = 8L << 20;
    try (AnonymousMemory memory = AnonymousMemory.map(bytes, AnonymousMemory.Option.POPULATE)) {
      assertThat(usage(memory).residentBytes()).isEqualTo(bytes);
    }
  }

  @Test
  void asksForHugePagesOnlyIfTold() throws Exception {
    try (AnonymousMemory huge =
            AnonymousMemory.map(PageSize.HUGE_BYTES, AnonymousMemory.Option.HUGE_PAGES);
        AnonymousMemory small = AnonymousMemory.map(PageSize.HUGE_BYTES)) {
      assertThat(usage(huge).flags()).contains("hg").doesNotContain("nh");
      assertThat(usage(small).flags()).contains("nh").doesNotContain("hg");
    }
  }

  @Test
  void givesDiscardedPagesBack() throws Exception {
    try (AnonymousMemory memory = AnonymousMemory.map(4L * PageSize.BYTES)) {
      memory.segment().fill((byte) 7);
      memory.discard(PageSize.BYTES, 2L * PageSize.BYTES);
      assertThat(usage(memory).residentBytes()).isEqualTo(2 * PageSize.BYTES);
      assertThat(memory.segment().get(ValueLayout.JAVA_BYTE, PageSize.BYTES - 1))
          .isEqualTo((byte) 7);
      assertThat(ZeroPages.isZero(memory.segment(), PageSize.BYTES)).isTrue();
      assertThat(ZeroPages.isZero(memory.segment(), 2 * PageSize.BYTES)).isTrue();
      assertThat(memory.segment().get(ValueLayout.JAVA_BYTE, 3L * PageSize.BYTES))
          .isEqualTo((byte) 7);
    }
  }

  @Test
  void discardsOnlyWholePagesOfItsOwn() throws Exception {
    try (AnonymousMemory memory = AnonymousMemory.map(PageSize.BYTES)) {
      assertThatThrownBy(() -> memory.discard(0, 100)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> memory.discard(PageSize.BYTES, PageSize.BYTES))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void isUnmappedAndUnusableAfterClose() throws Exception {
    AnonymousMemory memory = AnonymousMemory.map(PageSize.HUGE_BYTES);
    MemorySegment segment = memory.segment();
    segment.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
    memory.close();
    memory.close();
    assertThatThrownBy(() -> segment.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
    try (ProcessMemoryReader reader = new ProcessMemoryReader();
        AnonymousMemory copy = AnonymousMemory.map(8)) {
      assertThat(reader.read(SELF, segment.address(), copy.segment().asSlice(0, 8))).isZero();
      assertThat(reader.stoppedAtAddress()).isEqualTo(segment.address());
    }
  }

  private static MappingUsage usage(AnonymousMemory memory) throws Exception {
    List<MappingUsage> usages = Mappings.readUsage(SELF);
    return usages.stream()
        .filter(usage -> usage.mapping().start() == memory.segment().address())
        .findFirst()
        .orElseThrow();
  }
}
