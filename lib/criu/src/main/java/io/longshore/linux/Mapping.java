package io.longshore.linux;

/**
 * One line of {@code /proc/PID/maps}; proc_pid_maps(5).
 *
 * @param start first address
 * @param end address behind the last
 * @param readable whether the process may read it
 * @param writable whether the process may write it
 * @param executable whether the process may execute it
 * @param shared {@code MAP_SHARED}: writes reach the object behind it
 * @param offset bytes into the file
 * @param device {@code major:minor} of the file, {@code 00:00} without one; in hexadecimal as the
 *     kernel writes it
 * @param inode of the file, 0 without one
 * @param path of the file, or {@code [heap]} and its like, or empty; as the kernel writes it, with
 *     {@code " (deleted)"} where the file is gone
 */
public record Mapping(
    long start,
    long end,
    boolean readable,
    boolean writable,
    boolean executable,
    boolean shared,
    long offset,
    String device,
    long inode,
    String path) {

  private static final String DELETED = " (deleted)";

  /** What is behind a mapping, which decides how its pages can move. */
  public enum Kind {
    /** Private memory without a file: heap, stacks, anonymous mmap. CRIU restores it lazily. */
    ANONYMOUS,
    /** Private mapping of a file; written pages are the process's own. */
    FILE_PRIVATE,
    /** Memory that processes share: {@code MAP_SHARED|MAP_ANONYMOUS}, memfd, System V. */
    SHARED_MEMORY,
    /** Shared mapping of a file; its pages are the file's. */
    FILE_SHARED,
    /** The kernel's own: vdso, vvar, vsyscall. */
    KERNEL
  }

  public Mapping {
    // vsyscall is at the top of the address space, so addresses compare as unsigned.
    if (Long.compareUnsigned(start, end) >= 0) {
      throw new IllegalArgumentException(
          "a mapping cannot end at 0x%x and begin at 0x%x".formatted(end, start));
    }
  }

  /** Bytes. */
  public long length() {
    return end - start;
  }

  /** Whether the file behind it has been removed. */
  public boolean deleted() {
    return inode != 0 && path.endsWith(DELETED);
  }

  /** The file's path without the mark of a removed file. */
  public String file() {
    return deleted() ? path.substring(0, path.length() - DELETED.length()) : path;
  }

  /** What is behind it. */
  public Kind kind() {
    if (path.startsWith("[v")) { // [vdso], [vvar], [vvar_vclock], [vsyscall]
      return Kind.KERNEL;
    }
    if (inode == 0 && !path.startsWith("/")) {
      return shared ? Kind.SHARED_MEMORY : Kind.ANONYMOUS;
    }
    if (!shared) {
      return Kind.FILE_PRIVATE;
    }
    return isSharedMemoryName() ? Kind.SHARED_MEMORY : Kind.FILE_SHARED;
  }

  private boolean isSharedMemoryName() {
    return path.startsWith("/memfd:")
        || path.startsWith("/SYSV")
        || path.startsWith("[anon_shmem:")
        || path.equals("/dev/zero" + DELETED);
  }

  /** Reads one line of {@code /proc/PID/maps}. */
  static Mapping parse(String line) {
    // address           perms offset  dev   inode       path (may hold spaces, may be missing)
    String[] fields = line.split(" +", 6);
    if (fields.length < 5 || fields[1].length() != 4) {
      throw new IllegalArgumentException("not a line of /proc/PID/maps: " + line);
    }
    int dash = fields[0].indexOf('-');
    if (dash < 0) {
      throw new IllegalArgumentException("not a line of /proc/PID/maps: " + line);
    }
    return new Mapping(
        Long.parseUnsignedLong(fields[0].substring(0, dash), 16),
        Long.parseUnsignedLong(fields[0].substring(dash + 1), 16),
        fields[1].charAt(0) == 'r',
        fields[1].charAt(1) == 'w',
        fields[1].charAt(2) == 'x',
        fields[1].charAt(3) == 's',
        Long.parseUnsignedLong(fields[2], 16),
        fields[3],
        Long.parseLong(fields[4]),
        fields.length == 6 ? fields[5] : "");
  }
}
