package io.longshore.source.profile;

import io.longshore.linux.PageSize;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.random.RandomGenerator;

/** Pages that were drawn of a workload's, each with the same chance, without any twice. */
final class SampledPages {
  private final int[] pids;
  private final long[] addresses;

  private SampledPages(int[] pids, long[] addresses) {
    this.pids = pids;
    this.addresses = addresses;
  }

  /** Whose the page at an index is; those of one process stand together. */
  int pid(int index) {
    return pids[index];
  }

  /** Where the pages at some indices are. */
  long[] addresses(int from, int to) {
    return Arrays.copyOfRange(addresses, from, to);
  }

  int count() {
    return pids.length;
  }

  /**
   * Draws.
   *
   * @param most so many at most; all if there are not more
   */
  static SampledPages draw(List<ProcessMemory> memory, int most, RandomGenerator random) {
    List<PagesOfProcess> all = new ArrayList<>();
    long total = 0;
    for (ProcessMemory process : memory) {
      for (AddressRange range : process.pages()) {
        all.add(new PagesOfProcess(process.pid(), range, total));
        total += pages(range);
      }
    }
    TreeSet<Long> drawn = new TreeSet<>();
    if (total <= most) {
      for (long page = 0; page < total; page++) {
        drawn.add(page);
      }
    }
    while (drawn.size() < Math.min(total, most)) {
      drawn.add(random.nextLong(total));
    }
    int[] pids = new int[drawn.size()];
    long[] addresses = new long[drawn.size()];
    int range = 0;
    int at = 0;
    for (long page : drawn) {
      while (page >= all.get(range).before() + pages(all.get(range).range())) {
        range++;
      }
      PagesOfProcess where = all.get(range);
      pids[at] = where.pid();
      addresses[at] = where.range().start() + (page - where.before()) * PageSize.BYTES;
      at++;
    }
    return new SampledPages(pids, addresses);
  }

  /** A range, and how many pages come before it. */
  private record PagesOfProcess(int pid, AddressRange range, long before) {}

  private static long pages(AddressRange range) {
    return (range.end() - range.start()) / PageSize.BYTES;
  }
}
