package io.longshore.target.images;

import io.longshore.criu.image.ImageFormatException;
import io.longshore.criu.image.ImageName;
import io.longshore.criu.image.Pagemap;
import io.longshore.criu.image.PagemapEntry;
import io.longshore.criu.image.ProcessTree;
import io.longshore.target.pages.PageRange;
import io.longshore.target.pages.PageStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Tells the page store which pages will come: those that CRIU's images describe and do not contain.
 */
public final class AnnouncedPages {
  private AnnouncedPages() {}

  /**
   * Reads the process tree and the page maps of a folder. Announces all of them or nothing.
   *
   * @param roundPages how many of them came in rounds and are not stale
   * @throws ImageFormatException if an image cannot be understood
   * @throws io.longshore.target.pages.PageStoreFullException if they are more than were admitted
   */
  public static void announce(Path folder, PageStore store, long roundPages) throws IOException {
    store.announce(read(folder), roundPages);
  }

  /**
   * Reads the process tree and the page maps of a folder.
   *
   * @return the ranges of each process, by its id in its own namespace
   * @throws ImageFormatException if an image cannot be understood
   */
  public static Map<Integer, List<PageRange>> read(Path folder) throws IOException {
    Map<Integer, List<PageRange>> lazy = new HashMap<>();
    for (ProcessTree.Task task :
        ProcessTree.read(folder.resolve(ImageName.PSTREE.fileName())).tasks()) {
      Path image = folder.resolve(ImageName.pagemap(task.pid()).fileName());
      // A zombie has no memory.
      if (Files.exists(image)) {
        lazy.put(task.pid(), lazyRanges(Pagemap.read(image)));
      }
    }
    return lazy;
  }

  private static List<PageRange> lazyRanges(Pagemap pagemap) throws ImageFormatException {
    List<PageRange> ranges = new ArrayList<>();
    for (PagemapEntry entry : pagemap.entries()) {
      if (entry.isLazy() && !entry.isPresent()) {
        if (entry.pages() > Integer.MAX_VALUE) {
          throw new ImageFormatException("a lazy entry of " + entry.pages() + " pages");
        }
        ranges.add(new PageRange(entry.address() / PagemapEntry.PAGE_BYTES, (int) entry.pages()));
      }
    }
    return ranges;
  }
}
