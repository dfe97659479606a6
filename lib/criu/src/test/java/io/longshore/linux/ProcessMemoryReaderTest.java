package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class ProcessMemoryReaderTest {
  private static final long BYTES = 64L << 20;
  private static final int SELF = (int) ProcessHandle.current().pid();

  @Test
  void readsTheMemoryOfAnotherProcess() throws Exception {
    try (Child child = Child.java(PatternedMemory.class, Long.toString(BYTES));
        ProcessMemoryReader reader = new ProcessMemoryReader();
        AnonymousMemory copy = AnonymousMemory.map(BYTES)) {
      long address = Long.parseLong(child.line());

      assertThat(reader.read(child.pid(), address, copy.segment())).isEqualTo(BYTES);

      assertThat(reader.stoppedAtAddress()).isEqualTo(-1);
      assertThat(PatternedMemory.firstWrong(copy.segment(), 0)).isEqualTo(-1);
    }
  }

  @Test
  void readsTheMemoryOfAStoppedProcess() throws Exception {
    try (Child child = Child.java(PatternedMemory.class, Long.toString(1 << 20));
        ProcessMemoryReader reader = new ProcessMemoryReader();
        AnonymousMemory copy = AnonymousMemory.map(1 << 20)) {
      long address = Long.parseLong(child.line());
      try (Pidfd pidfd = Pidfd.open(child.pid())) {
        pidfd.signal(Pidfd.SIGSTOP);
      }
      assertThat(reader.read(child.pid(), address, copy.segment())).isEqualTo(1 << 20);
      assertThat(PatternedMemory.firstWrong(copy.segment(), 0)).isEqualTo(-1);
    }
  }

  @Test
  void readsMoreRangesThanOneCallTakes() throws Exception {
    // Every second page: no two ranges touch.
    int count = 3 * ProcessMemoryReader.IOV_MAX + 5;
    try (AnonymousMemory source = AnonymousMemory.map(2L * count * PageSize.BYTES);
        ProcessMemoryReader reader = new ProcessMemoryReader();
        AnonymousMemory copy = AnonymousMemory.map((long) count * PageSize.BYTES)) {
      PatternedMemory.fill(source.segment());
      long[] addresses = new long[count + 3];
      long[] lengths = new long[count + 3];
      for (int i = 0; i < count; i++) {
        addresses[i] = source.segment().address() + 2L * i * PageSize.BYTES;
        lengths[i] = PageSize.BYTES;
      }
      assertThat(reader.read(SELF, addresses, lengths, count, copy.segment()))
          .isEqualTo((long) count * PageSize.BYTES);
      for (int i = 0; i < count; i++) {
        assertThat(
                PatternedMemory.firstWrong(
                    copy.segment().asSlice((long) i * PageSize.BYTES, PageSize.BYTES),
                    2L * i * PageSize.BYTES))
            .isEqualTo(-1);
      }
    }
  }

  @Test
  void saysWhereItMetUnmappedMemoryAndKeepsWhatCameBefore() throws Exception {
    long page = PageSize.BYTES;
    try (AnonymousMemory source = AnonymousMemory.map(16 * page);
        ProcessMemoryReader reader = new ProcessMemoryReader();
        Arena arena = Arena.ofConfined()) {
      PatternedMemory.fill(source.segment());
      long start = source.segment().address();
      // The second range runs over the end of the mapping, where nothing is mapped: the mapping was
      // cut out of a larger one.
      long[] addresses = {start, start + 14 * page, start};
      long[] lengths = {3 * page, 5 * page, page};
      MemorySegment copy = arena.allocate(9 * page);

      assertThat(reader.read(SELF, addresses, lengths, 3, copy)).isEqualTo(5 * page);

      assertThat(reader.stoppedAtRange()).isEqualTo(1);
      assertThat(reader.stoppedAtAddress()).isEqualTo(start + 16 * page);
      assertThat(PatternedMemory.firstWrong(copy.asSlice(0, 3 * page), 0)).isEqualTo(-1);
      assertThat(PatternedMemory.firstWrong(copy.asSlice(3 * page, 2 * page), 14 * page))
          .isEqualTo(-1);
      assertThat(copy.get(ValueLayout.JAVA_LONG, 5 * page)).isZero();
    }
  }

  @Test
  void skipsEmptyRanges() throws Exception {
    try (AnonymousMemory source = AnonymousMemory.map(PageSize.BYTES);
        ProcessMemoryReader reader = new ProcessMemoryReader();
        Arena arena = Arena.ofConfined()) {
      PatternedMemory.fill(source.segment());
      long start = source.segment().address();
      MemorySegment copy = arena.allocate(16, 8);
      assertThat(
              reader.read(
                  SELF, new long[] {0, start, 0, start + 8}, new long[] {0, 8, 0, 8}, 4, copy))
          .isEqualTo(16);
      assertThat(PatternedMemory.firstWrong(copy, 0)).isEqualTo(-1);
      assertThat(reader.read(SELF, new long[0], new long[0], 0, copy)).isZero();
    }
  }

  @Test
  void neverWritesBehindTheDestination() throws Exception {
    try (AnonymousMemory source = AnonymousMemory.map(2 * PageSize.BYTES);
        ProcessMemoryReader reader = new ProcessMemoryReader();
        Arena arena = Arena.ofConfined()) {
      MemorySegment small = arena.allocate(PageSize.BYTES);
      long[] addresses = {source.segment().address()};
      long[] lengths = {2 * PageSize.BYTES};
      assertThatThrownBy(() -> reader.read(SELF, addresses, lengths, 1, small))
          .isInstanceOf(IndexOutOfBoundsException.class);
      MemorySegment onHeap = MemorySegment.ofArray(new byte[2 * PageSize.BYTES]);
      assertThatThrownBy(() -> reader.read(SELF, addresses, lengths, 1, onHeap))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void saysThatTheProcessHasEnded() throws Exception {
    Child child = Child.sleeping();
    child.close();
    try (ProcessMemoryReader reader = new ProcessMemoryReader();
        Arena arena = Arena.ofConfined()) {
      MemorySegment copy = arena.allocate(8);
      assertThatThrownBy(() -> reader.read(child.pid(), 4096, copy))
          .isInstanceOfSatisfying(
              SystemCallException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ESRCH))
          .hasMessageContaining("process_vm_readv(pid " + child.pid());
    }
  }
}
