package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class ZeroPagesTest {
  @Test
  void findsEverySingleByteThatIsNotZero() throws Exception {
    try (AnonymousMemory memory = AnonymousMemory.map(3 * PageSize.BYTES)) {
      for (int at = 0; at < PageSize.BYTES; at++) {
        memory.segment().set(ValueLayout.JAVA_BYTE, PageSize.BYTES + at, (byte) 1);
        assertThat(ZeroPages.isZero(memory.segment(), PageSize.BYTES)).as("byte %d", at).isFalse();
        assertThat(ZeroPages.isZero(memory.segment(), 0)).isTrue();
        assertThat(ZeroPages.isZero(memory.segment(), 2 * PageSize.BYTES)).isTrue();
        memory.segment().set(ValueLayout.JAVA_BYTE, PageSize.BYTES + at, (byte) 0);
      }
      assertThat(ZeroPages.isZero(memory.segment(), PageSize.BYTES)).isTrue();
    }
  }
}
