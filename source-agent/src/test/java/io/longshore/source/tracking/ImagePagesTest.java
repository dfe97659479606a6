package io.longshore.source.tracking;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Own pages of a private mapping of a file, in this process. Shared memory is in MemoryTest. */
final class ImagePagesTest {
  private static final int SELF = (int) ProcessHandle.current().pid();
  private static final int PAGES = 16;

  @TempDir Path folder;

  @Test
  void namesWhatIsOwnAndDoesNotHoldWhatWasRead() throws Exception {
    Path file = folder.resolve("file");
    Files.write(file, new byte[PAGES * 4096]);
    try (Arena arena = Arena.ofShared();
        FileChannel channel =
            FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
        ImagePages images = ImagePages.forThisKernel()) {
      MemorySegment memory = channel.map(MapMode.PRIVATE, 0, PAGES * 4096L, arena);
      write(memory, 2, 1);
      write(memory, 3, 2);
      write(memory, 9, 3);
      long first = memory.address() / 4096;
      assertThat(named(images, first)).containsExactly(2L, 3L, 9L);
      assertThat(named(images, first)).as("nobody read them").containsExactly(2L, 3L, 9L);
      images.noteRead(SELF, first + 2, memory.asSlice(2 * 4096, 2 * 4096));
      // Of a page that is not among them nothing is kept.
      images.noteRead(SELF, first + 5, memory.asSlice(5 * 4096, 4096));
      assertThat(named(images, first)).containsExactly(9L);
      assertThat(known(images, first)).isEqualTo(Map.of(2L, hash(memory, 2), 3L, hash(memory, 3)));
      write(memory, 3, 7);
      write(memory, 4, 8);
      assertThat(named(images, first)).containsExactly(3L, 4L, 9L);
      assertThat(known(images, first)).isEqualTo(Map.of(2L, hash(memory, 2)));
    }
  }

  private static void write(MemorySegment memory, int page, long value) {
    memory.set(ValueLayout.JAVA_LONG, page * 4096L + 512, value);
  }

  private static long hash(MemorySegment memory, int page) {
    return PageHash.of(memory.asSlice(page * 4096L, 4096));
  }

  private static List<Long> named(ImagePages images, long first) throws IOException {
    List<Long> pages = new ArrayList<>();
    for (WrittenPages process : images.scan(List.of(SELF))) {
      for (WrittenPages.Range range : process.ranges()) {
        for (long page = range.firstPage(); page < range.firstPage() + range.count(); page++) {
          if (page >= first && page < first + PAGES) {
            pages.add(page - first);
          }
        }
      }
    }
    return pages;
  }

  private static Map<Long, Long> known(ImagePages images, long first) {
    Map<Long, Long> known = new HashMap<>();
    images.forEachRead(
        (pid, page, hash) -> {
          if (page >= first && page < first + PAGES) {
            known.put(page - first, hash);
          }
        });
    return known;
  }
}
