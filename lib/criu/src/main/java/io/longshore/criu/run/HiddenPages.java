package io.longshore.criu.run;

import io.longshore.criu.image.PagemapEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Long runs of private anonymous pages that a dump leaves alone. CRIU would list each page of them
 * and splice it into a pipe while the tree is frozen, 90 ms per GiB, and then use none, because the
 * agents move these pages. So a small library, preloaded into CRIU, hides them from its page scan
 * and writes down which they are; they are put into the page maps afterwards.
 *
 * <p>Where the library has no effect, because the kernel has no {@code PAGEMAP_SCAN} or CRIU cannot
 * load it, nothing is hidden and nothing is written down.
 */
public final class HiddenPages {
  private final Path list;

  private HiddenPages(Path list) {
    this.list = list;
  }

  /** Of a dump that has this work folder and loads {@link PreloadedLibrary#HIDDEN_PAGES}. */
  static HiddenPages create(Path work) throws IOException {
    HiddenPages hidden = new HiddenPages(work.toAbsolutePath().resolve("hidden-pages"));
    Files.deleteIfExists(hidden.list);
    return hidden;
  }

  /** What CRIU's environment must have besides the library. */
  Map<String, String> environment() {
    return Map.of("LONGSHORE_HIDDEN_PAGES", list.toString());
  }

  /**
   * What was hidden, by process id: entries that are lazy. Complete when the dump is ready. CRIU
   * scans some pages twice, as it looks at several short mappings at once and at a long one that
   * begins among them again. So entries may overlap, and where the second run was shorter CRIU may
   * know pages that the first one hid: all of it is true, for nothing runs in between.
   *
   * @throws IOException if the list cannot be understood: then nobody knows which pages there are
   */
  public Map<Integer, List<PagemapEntry>> read() throws IOException {
    Map<Integer, List<PagemapEntry>> hidden = new HashMap<>();
    try {
      for (String line : Files.readAllLines(list)) {
        String[] words = line.split(" ", -1);
        long start = Long.parseUnsignedLong(words[1], 16);
        long end = Long.parseUnsignedLong(words[2], 16);
        hidden
            .computeIfAbsent(Integer.valueOf(words[0]), pid -> new ArrayList<>())
            .add(
                new PagemapEntry(
                    start, (end - start) / PagemapEntry.PAGE_BYTES, PagemapEntry.LAZY));
      }
    } catch (NoSuchFileException _) {
      return Map.of();
    } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
      throw new IOException("the list of hidden pages cannot be understood: " + list, e);
    }
    return hidden;
  }
}
