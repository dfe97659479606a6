package io.longshore.source.profile;

import io.longshore.linux.MappingUsage;
import io.longshore.linux.Mappings;
import io.longshore.linux.OwnPages;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The memory of one process, as it was at about one moment.
 *
 * @param pid process id as this agent sees it
 * @param sizes by kind
 * @param pages which pages the agents would move; ascending, apart from each other
 */
record ProcessMemory(int pid, MemorySizes sizes, List<AddressRange> pages) {
  ProcessMemory {
    pages = List.copyOf(pages);
  }

  /** Looks at a process that may run. Changes nothing of it. */
  static ProcessMemory of(int pid) throws IOException {
    MemorySizes sizes = MemorySizes.NONE;
    List<AddressRange> pages = new ArrayList<>();
    long reached = 0;
    try (OwnPages existing = OwnPages.of(pid)) {
      for (MappingUsage usage : Mappings.readUsage(pid)) {
        sizes = sizes.plus(sizes(usage));
        // A mapping that has just grown or moved can be there twice.
        long start = Math.max(reached, usage.mapping().start());
        if (isMovedInPages(usage) && start < usage.mapping().end()) {
          reached = usage.mapping().end();
          existing.find(start, reached, (first, last) -> pages.add(new AddressRange(first, last)));
        }
      }
    }
    return new ProcessMemory(pid, sizes, pages);
  }

  private static boolean isMovedInPages(MappingUsage usage) {
    return switch (usage.mapping().kind()) {
      case ANONYMOUS -> !usage.locked() && !usage.hugeTlb();
      case FILE_PRIVATE, SHARED_MEMORY, FILE_SHARED, KERNEL -> false;
    };
  }

  private static MemorySizes sizes(MappingUsage usage) {
    long own = usage.anonymousBytes() + usage.swappedBytes();
    return switch (usage.mapping().kind()) {
      case ANONYMOUS -> {
        long untouched = Math.max(0, usage.mapping().length() - own);
        yield isMovedInPages(usage)
            ? new MemorySizes(own, 0, 0, 0, untouched)
            : new MemorySizes(0, own, 0, 0, untouched);
      }
      case FILE_PRIVATE -> new MemorySizes(0, 0, own, 0, 0);
      case SHARED_MEMORY ->
          new MemorySizes(0, 0, 0, usage.proportionalBytes() + usage.swappedBytes(), 0);
      case FILE_SHARED, KERNEL -> MemorySizes.NONE;
    };
  }
}
