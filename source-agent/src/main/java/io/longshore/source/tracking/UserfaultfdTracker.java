package io.longshore.source.tracking;

import io.longshore.linux.DirectTransfers;
import io.longshore.linux.Injector;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernel notes writes, through a userfaultfd(2) in each process, which costs about a
 * microsecond at the first write to a page between two scans. A scan costs as much as there are
 * pages, not what they hold.
 *
 * <p>What a device writes into memory that was handed to it before a scan is noted when it is
 * handed over only. So of a process that was ever seen to have such transfers everything counts as
 * written.
 */
final class UserfaultfdTracker implements DirtyTracker {
  static final String NAME = "userfaultfd";
  private static final Logger log = LoggerFactory.getLogger(UserfaultfdTracker.class);
  private static final int MOST_TRIES = 3;

  private final Injector injector;
  private final Map<Integer, ProtectedProcess> processes = new HashMap<>();
  private final Set<Integer> unprotected = new HashSet<>();
  private final Set<Integer> direct = new HashSet<>();

  private UserfaultfdTracker(Injector injector) {
    this.injector = injector;
  }

  /**
   * Takes nothing up yet.
   *
   * @param folder where programs can be run; nothing stays in it
   */
  static UserfaultfdTracker in(Path folder) throws IOException {
    return new UserfaultfdTracker(Injector.start(folder));
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public List<WrittenPages> scan(Collection<Integer> pids) throws IOException {
    List<WrittenPages> written = new ArrayList<>();
    try {
      for (int pid : pids) {
        look(pid).ifPresent(pages -> written.add(new WrittenPages(pid, pages.toList())));
      }
    } catch (IOException | RuntimeException e) {
      // What was found and protected again until here nobody will hear of.
      forgetAll();
      throw e;
    }
    Set<Integer> gone = new HashSet<>(processes.keySet());
    gone.removeAll(new HashSet<>(pids));
    gone.forEach(this::forget);
    unprotected.retainAll(pids);
    direct.retainAll(pids);
    return written;
  }

  /** Empty for one that has ended, a zombie, and one whose memory changes all the time. */
  private Optional<PageRanges> look(int pid) throws IOException {
    for (int tries = 0; tries < MOST_TRIES; tries++) {
      try {
        List<PrivateMemory> memory = PrivateMemory.of(pid);
        if (memory.isEmpty()) {
          break;
        }
        return Optional.of(scan(pid, memory));
      } catch (IOException e) {
        // Closed with it, nothing of it is protected any more.
        forget(pid);
        Ended.orThrow(pid, e);
      }
    }
    forget(pid);
    return Optional.empty();
  }

  private PageRanges scan(int pid, List<PrivateMemory> memory) throws IOException {
    if (!direct.contains(pid) && DirectTransfers.isPossibleFor(pid)) {
      log.info("All memory of process {} counts as written: it has files open with O_DIRECT", pid);
      direct.add(pid);
      forget(pid);
    }
    ProtectedProcess process = processes.get(pid);
    if (process == null) {
      process =
          direct.contains(pid)
              ? ProtectedProcess.unprotected(pid)
              : ProtectedProcess.of(pid, injector, unprotected.contains(pid));
      processes.put(pid, process);
    }
    PageRanges written = process.scan(memory);
    if (process.isProtected()) {
      unprotected.remove(pid);
    } else {
      unprotected.add(pid);
      forget(pid);
    }
    return written;
  }

  private void forget(int pid) {
    ProtectedProcess process = processes.remove(pid);
    if (process != null) {
      process.close();
    }
  }

  private void forgetAll() {
    processes.values().forEach(ProtectedProcess::close);
    processes.clear();
  }

  @Override
  public void close() {
    forgetAll();
    injector.close();
  }
}
