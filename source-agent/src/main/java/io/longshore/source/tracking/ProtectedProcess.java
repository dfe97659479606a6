package io.longshore.source.tracking;

import io.longshore.linux.Errno;
import io.longshore.linux.Injector;
import io.longshore.linux.PageMapScan;
import io.longshore.linux.PageQuery;
import io.longshore.linux.SystemCallException;
import io.longshore.linux.WriteProtection;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One address space of one process, write-protected where it can be. After an execve(2) its scans
 * fail with {@code ESRCH}, and a new one is needed.
 */
final class ProtectedProcess implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ProtectedProcess.class);
  private static final Duration STOP_LIMIT = Duration.ofMillis(100);

  private @Nullable WriteProtection protection;
  private final PageMapScan pages;
  private Set<PrivateMemory> registered = Set.of();

  private ProtectedProcess(@Nullable WriteProtection protection, PageMapScan pages) {
    this.protection = protection;
    this.pages = pages;
  }

  /**
   * Takes a process up, protected if that is possible.
   *
   * @param quiet whether it is known already that it may not be
   */
  static ProtectedProcess of(int pid, Injector injector, boolean quiet) throws IOException {
    WriteProtection protection = null;
    try {
      protection = WriteProtection.of(pid, injector, STOP_LIMIT);
    } catch (IOException e) {
      if (!quiet) {
        log.info("All memory of process {} counts as written, for now: {}", pid, e.getMessage());
      }
    }
    try {
      // In this order: if the process changes its memory in between, no range can be registered.
      return new ProtectedProcess(protection, PageMapScan.open(pid));
    } catch (IOException e) {
      if (protection != null) {
        protection.close();
      }
      throw e;
    }
  }

  /** Takes a process up whose writes cannot be noted. */
  static ProtectedProcess unprotected(int pid) throws IOException {
    return new ProtectedProcess(null, PageMapScan.open(pid));
  }

  /** Whether writes are noted. If not, everything counts as written. */
  boolean isProtected() {
    return protection != null;
  }

  /**
   * Which pages were written, and protects them again.
   *
   * @throws SystemCallException {@code ESRCH} if this is not the process's memory any more
   */
  PageRanges scan(List<PrivateMemory> memory) throws IOException {
    PageRanges written = new PageRanges();
    Set<PrivateMemory> now = new HashSet<>();
    for (PrivateMemory range : memory) {
      written.addAll(scan(range, now));
    }
    registered = now;
    return written;
  }

  private PageRanges scan(PrivateMemory range, Set<PrivateMemory> now) throws IOException {
    // What was registered is not again: a mapping that was replaced is found by EPERM, and one that
    // changed its size since the mappings were read would be cut in two.
    if (protection != null && registered.contains(range)) {
      Optional<PageRanges> written = scanProtected(range);
      if (written.isPresent()) {
        now.add(range);
        return written.get();
      }
    }
    if (register(range)) {
      Optional<PageRanges> written = scanProtected(range);
      if (written.isPresent()) {
        now.add(range);
        return written.get();
      }
    }
    return scan(range, PageQuery.OWN_CONTENT);
  }

  /**
   * Empty if some of the range is not registered. Then what comes before that may be protected by
   * now, unreported: all of the range counts as written.
   */
  private Optional<PageRanges> scanProtected(PrivateMemory range) throws IOException {
    try {
      return Optional.of(scan(range, PageQuery.WRITTEN_OWN_CONTENT_THEN_PROTECT));
    } catch (SystemCallException e) {
      if (e.errno() == Errno.EPERM) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private PageRanges scan(PrivateMemory range, PageQuery query) throws IOException {
    PageRanges found = new PageRanges();
    long _ =
        pages.scan(
            range.start(), range.end(), query, (start, end, categories) -> found.add(start, end));
    return found;
  }

  /** Whether it could be; new mappings count as written until they are protected. */
  private boolean register(PrivateMemory range) {
    if (protection == null) {
      return false;
    }
    try {
      protection.register(range.start(), range.end() - range.start());
      return true;
    } catch (SystemCallException e) {
      if (e.errno() == Errno.ENOMEM) {
        // The memory it was made for is gone.
        protection.close();
        protection = null;
      }
      // Else the workload itself has a userfaultfd there, or the kernel cannot protect it.
      return false;
    }
  }

  @Override
  public void close() {
    if (protection != null) {
      protection.close();
    }
    pages.close();
  }
}
