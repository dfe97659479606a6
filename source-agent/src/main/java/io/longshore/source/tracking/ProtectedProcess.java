package io.longshore.source.tracking;

import io.longshore.linux.Errno;
import io.longshore.linux.Mapping;
import io.longshore.linux.PageMapScan;
import io.longshore.linux.PageQuery;
import io.longshore.linux.SystemCallException;
import io.longshore.linux.WriteProtection;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
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

  private ProtectedProcess(@Nullable WriteProtection protection, PageMapScan pages) {
    this.protection = protection;
    this.pages = pages;
  }

  /**
   * Takes a process up, protected if that is possible.
   *
   * @param quiet whether it is known already that it may not be
   */
  static ProtectedProcess of(int pid, boolean quiet) throws IOException {
    WriteProtection protection = null;
    try {
      protection = WriteProtection.of(pid, STOP_LIMIT);
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

  /** Whether writes are noted. If not, everything counts as written. */
  boolean isProtected() {
    return protection != null;
  }

  /**
   * Which pages were written, and protects them again.
   *
   * @throws SystemCallException {@code ESRCH} if this is not the process's memory any more
   */
  PageRanges scan(List<Mapping> mappings) throws IOException {
    PageRanges written = new PageRanges();
    for (Mapping mapping : mappings) {
      // Whether or not it can be written now: it may have been, and may be again.
      if (mapping.kind() == Mapping.Kind.ANONYMOUS) {
        written.addAll(scan(mapping));
      }
    }
    return written;
  }

  private PageRanges scan(Mapping mapping) throws IOException {
    if (register(mapping)) {
      try {
        return scan(mapping, PageQuery.WRITTEN_OWN_CONTENT_THEN_PROTECT);
      } catch (SystemCallException e) {
        if (e.errno() != Errno.EPERM) {
          throw e;
        }
        // Since it was registered there is another mapping in its place. What comes before that
        // may be protected by now, unreported.
      }
    }
    return scan(mapping, PageQuery.OWN_CONTENT);
  }

  private PageRanges scan(Mapping mapping, PageQuery query) throws IOException {
    PageRanges found = new PageRanges();
    long _ =
        pages.scan(
            mapping.start(),
            mapping.end(),
            query,
            (start, end, categories) -> found.add(start, end));
    return found;
  }

  /**
   * Registers it each time, which does nothing where it is: the range may be another mapping than
   * last time, whose pages count as written.
   */
  private boolean register(Mapping mapping) {
    if (protection == null) {
      return false;
    }
    try {
      protection.register(mapping.start(), mapping.length());
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
