package io.longshore.linux;

import java.util.Set;

/**
 * A mapping with what of it is in memory; {@code /proc/PID/smaps}, proc_pid_smaps(5).
 *
 * @param mapping the mapping
 * @param residentBytes in memory, shared or not
 * @param proportionalBytes in memory, shared pages divided by the number of sharers
 * @param anonymousBytes in memory and of no file
 * @param swappedBytes in swap
 * @param flags the kernel's two-letter flags, such as {@code lo} (locked), {@code ht} (hugetlb)
 */
public record MappingUsage(
    Mapping mapping,
    long residentBytes,
    long proportionalBytes,
    long anonymousBytes,
    long swappedBytes,
    Set<String> flags) {

  public MappingUsage {
    flags = Set.copyOf(flags);
  }

  /** Whether it is locked into memory; CRIU does not restore such memory lazily. */
  public boolean locked() {
    return flags.contains("lo");
  }

  /** Whether it is of hugetlbfs; CRIU does not restore such memory lazily. */
  public boolean hugeTlb() {
    return flags.contains("ht");
  }
}
