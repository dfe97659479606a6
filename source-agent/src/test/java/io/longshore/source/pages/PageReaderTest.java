package io.longshore.source.pages;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.linux.AnonymousMemory;
import io.longshore.linux.PageSize;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.util.List;
import org.junit.jupiter.api.Test;

final class PageReaderTest {
  private static final int SELF = (int) ProcessHandle.current().pid();
  private static final int PROT_NONE = 0;

  @Test
  void readsPagesThatTheProcessItselfMayNotRead() throws Throwable {
    try (AnonymousMemory memory = AnonymousMemory.map(3L * PageSize.BYTES);
        PageReader reader = new PageReader(3)) {
      for (int page = 0; page < 3; page++) {
        memory.segment().set(JAVA_LONG, (long) page * PageSize.BYTES, 0x1111L * (page + 1));
      }
      long address = memory.segment().address();
      protect(address + PageSize.BYTES, PageSize.BYTES);

      PageBatch batch =
          reader.read(List.of(new PageRange(SELF, SELF, address / PageSize.BYTES, 3)));

      assertThat(batch.contentPages()).isEqualTo(3);
      for (int page = 0; page < 3; page++) {
        assertThat(Long.reverseBytes(batch.payload().getLong(page * PageSize.BYTES)))
            .isEqualTo(0x1111L * (page + 1));
      }
    }
  }

  @Test
  void refusesPagesThatAreNotThere() throws Exception {
    try (PageReader reader = new PageReader(3)) {
      assertThatThrownBy(() -> reader.read(List.of(new PageRange(SELF, SELF, 0, 1))))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("cannot be read at 0x0");
    }
  }

  /** By mprotect(2). */
  private static void protect(long address, long length) throws Throwable {
    Linker linker = Linker.nativeLinker();
    int result =
        (int)
            linker
                .downcallHandle(
                    linker.defaultLookup().findOrThrow("mprotect"),
                    FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT))
                .invokeExact(address, length, PROT_NONE);
    assertThat(result).isZero();
  }
}
