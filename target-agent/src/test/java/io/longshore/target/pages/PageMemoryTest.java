package io.longshore.target.pages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.target.pages.PageMemory.Slots;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class PageMemoryTest {
  private static final int CHUNK = PageMemory.SLOTS_PER_CHUNK;
  private static final long CHUNK_BYTES = CHUNK * 4096L;
  private static final int KEPT = 8;
  private static final int SLACK = 64;

  private final PageMemory memory = new PageMemory(100 * CHUNK_BYTES);

  @AfterEach
  void close() {
    memory.close();
  }

  @Test
  void givesNoMoreThanTheRestOfAChunkAtOnce() {
    assertThat(memory.allocate(500)).isEqualTo(new Slots(0, 500));
    assertThat(memory.allocate(500)).isEqualTo(new Slots(500, 12));
    assertThat(memory.allocate(500)).isEqualTo(new Slots(512, 500));
    assertThat(memory.mappedBytes()).isEqualTo(2 * CHUNK_BYTES);
  }

  @Test
  void keepsWhatIsWrittenApart() {
    List<Slots> runs = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      Slots run = memory.allocate(1);
      runs.add(run);
      memory.segment(run.first(), 1).fill((byte) i);
    }
    for (int i = 0; i < runs.size(); i++) {
      Slots run = runs.get(i);
      assertThat(memory.segment(run.first(), 1).get(ValueLayout.JAVA_BYTE, 4095))
          .isEqualTo((byte) i);
      assertThat(memory.segment(run.first(), 1).byteSize()).isEqualTo(4096);
    }
  }

  @Test
  void givesAllButAFewChunksBackToTheKernel() {
    fill(20);
    assertThat(memory.mappedBytes()).isEqualTo(20 * CHUNK_BYTES);
    for (int chunk = 0; chunk < 20; chunk++) {
      memory.free(chunk * CHUNK, CHUNK);
    }
    assertThat(memory.mappedBytes()).isEqualTo(KEPT * CHUNK_BYTES);
  }

  @Test
  void keepsAChunkWhileOneSlotIsUsed() {
    fill(10);
    for (int chunk = 0; chunk < 10; chunk++) {
      memory.free(chunk * CHUNK, CHUNK - 1);
    }
    assertThat(memory.mappedBytes()).isEqualTo(10 * CHUNK_BYTES);
    memory.segment(CHUNK - 1, 1).fill((byte) 7);
    for (int chunk = 0; chunk < 10; chunk++) {
      memory.free(chunk * CHUNK + CHUNK - 1, 1);
    }
    assertThat(memory.mappedBytes()).isEqualTo(KEPT * CHUNK_BYTES);
  }

  @Test
  void fillsFreeChunksAgainBeforeItMapsNewOnes() {
    fill(20);
    for (int chunk = 0; chunk < 20; chunk++) {
      memory.free(chunk * CHUNK, CHUNK);
    }
    fill(8);
    assertThat(memory.mappedBytes()).isEqualTo(8 * CHUNK_BYTES);
    fill(12);
    assertThat(memory.mappedBytes()).isEqualTo(20 * CHUNK_BYTES);
  }

  @Test
  void doesNotFreeTheChunkThatIsBeingFilled() {
    Slots first = memory.allocate(1);
    memory.free(first.first(), 1);
    Slots second = memory.allocate(1);
    assertThat(second).isEqualTo(new Slots(1, 1));
    memory.segment(second.first(), 1).fill((byte) 1);
    assertThat(memory.mappedBytes()).isEqualTo(CHUNK_BYTES);
  }

  @Test
  void refusesMoreThanItsLimitAndTakesMoreWhenSomeIsFreed() {
    fill(100 + SLACK);
    assertThatThrownBy(() -> memory.allocate(1)).isInstanceOf(PageStoreFullException.class);
    memory.free(0, CHUNK);
    assertThat(memory.allocate(1).count()).isEqualTo(1);
  }

  @Test
  void refusesSlotsThatAreNotMapped() {
    fill(10);
    for (int chunk = 0; chunk < 10; chunk++) {
      memory.free(chunk * CHUNK, CHUNK);
    }
    assertThatThrownBy(() -> memory.segment(9 * CHUNK, 1))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void holdsNothingAfterClose() {
    fill(3);
    memory.close();
    memory.close();
    assertThat(memory.mappedBytes()).isZero();
    assertThatThrownBy(() -> memory.allocate(1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> memory.segment(0, 1)).isInstanceOf(IllegalStateException.class);
  }

  private void fill(int chunks) {
    for (int i = 0; i < chunks; i++) {
      assertThat(memory.allocate(CHUNK).count()).isEqualTo(CHUNK);
    }
  }
}
