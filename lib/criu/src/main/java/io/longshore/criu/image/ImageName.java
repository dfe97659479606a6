package io.longshore.criu.image;

import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The file name of an image (criu/image-desc.c), safe to resolve against a folder: letters, digits,
 * '.', '_' and '-', at most {@value #MAX_LENGTH} of them, not starting with '.'.
 *
 * @param fileName the name itself
 * @param kind what the name says is inside
 * @param id what the name counts: a pid in its own pid namespace, a segment, a pages file; empty
 *     for other kinds
 */
public record ImageName(String fileName, Kind kind, OptionalLong id) {

  /** Longest name. */
  public static final int MAX_LENGTH = 128;

  // Above the constants, which are checked against it.
  private static final Pattern VALID =
      Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0," + (MAX_LENGTH - 1) + "}");

  // CRIU prints its ids without leading zeros, so that each image has one name only.
  private static final Pattern NUMBERED =
      Pattern.compile("(pagemap|pagemap-shmem|pages|core|mm)-(0|[1-9][0-9]{0,18})\\.img");

  /** {@code inventory.img}. */
  public static final ImageName INVENTORY = fixed("inventory.img", Kind.INVENTORY);

  /** {@code pstree.img}. */
  public static final ImageName PSTREE = fixed("pstree.img", Kind.PSTREE);

  /** {@code stats-dump}, in the work folder. */
  public static final ImageName STATS_DUMP = fixed("stats-dump", Kind.STATS_DUMP);

  /** {@code stats-restore}, in the work folder. */
  public static final ImageName STATS_RESTORE = fixed("stats-restore", Kind.STATS_RESTORE);

  /** What an image holds, as far as it matters here. */
  public enum Kind {
    /** What holds for the whole dump. */
    INVENTORY,
    /** The tasks. */
    PSTREE,
    /** Which pages a task has; the id is its pid. */
    PAGEMAP,
    /** Which pages a shared memory segment has; the id is the segment's. */
    PAGEMAP_SHMEM,
    /** Bytes of pages; a pagemap names the id. */
    PAGES,
    /** A thread; the id is its thread id. */
    CORE,
    /** Mappings of a task; the id is its pid. */
    MM,
    /** Figures of a dump. */
    STATS_DUMP,
    /** Figures of a restore. */
    STATS_RESTORE,
    /** Anything else that CRIU writes. */
    OTHER
  }

  /** Use {@link #parse} or the factories: the three parts must agree. */
  public ImageName {
    if (!VALID.matcher(fileName).matches()) {
      throw new IllegalArgumentException("not an image name: " + quote(fileName));
    }
  }

  /**
   * The name of an image that somebody else chose.
   *
   * @throws ImageFormatException if it is not a valid name
   */
  public static ImageName parse(String fileName) throws ImageFormatException {
    if (!VALID.matcher(fileName).matches()) {
      throw new ImageFormatException(
          "the image name "
              + quote(fileName)
              + " is refused: only letters, digits, '.', '_', '-', at most "
              + MAX_LENGTH
              + ", not starting with '.'");
    }
    Matcher numbered = NUMBERED.matcher(fileName);
    if (numbered.matches()) {
      Kind kind = Kind.valueOf(numbered.group(1).replace('-', '_').toUpperCase(Locale.ROOT));
      try {
        return new ImageName(fileName, kind, OptionalLong.of(Long.parseLong(numbered.group(2))));
      } catch (NumberFormatException _) {
        throw new ImageFormatException(
            "the number in the image name " + fileName + " is too large");
      }
    }
    return switch (fileName) {
      case "inventory.img" -> INVENTORY;
      case "pstree.img" -> PSTREE;
      case "stats-dump" -> STATS_DUMP;
      case "stats-restore" -> STATS_RESTORE;
      default -> fixed(fileName, Kind.OTHER);
    };
  }

  /** {@code pagemap-<pid>.img}; the pid is the one in the task's own pid namespace. */
  public static ImageName pagemap(long pid) {
    return numbered("pagemap-", Kind.PAGEMAP, pid);
  }

  /** {@code pagemap-shmem-<segment>.img}. */
  public static ImageName pagemapShmem(long segment) {
    return numbered("pagemap-shmem-", Kind.PAGEMAP_SHMEM, segment);
  }

  /** {@code pages-<id>.img}; the id stands in the pagemap. */
  public static ImageName pages(long id) {
    return numbered("pages-", Kind.PAGES, id);
  }

  /** {@code mm-<pid>.img}. */
  public static ImageName mm(long pid) {
    return numbered("mm-", Kind.MM, pid);
  }

  /** {@code core-<tid>.img}. */
  public static ImageName core(long threadId) {
    return numbered("core-", Kind.CORE, threadId);
  }

  @Override
  public String toString() {
    return fileName;
  }

  private static ImageName fixed(String fileName, Kind kind) {
    return new ImageName(fileName, kind, OptionalLong.empty());
  }

  private static ImageName numbered(String prefix, Kind kind, long id) {
    if (id < 0) {
      throw new IllegalArgumentException("image ids start at 0, not at " + id);
    }
    return new ImageName(prefix + id + ".img", kind, OptionalLong.of(id));
  }

  private static String quote(String name) {
    String shown = name.length() <= 40 ? name : name.substring(0, 40) + "...";
    return "\"" + shown.replaceAll("[^ -~]", "?") + "\" (" + name.length() + " characters)";
  }
}
