package io.longshore.target.pages;

import io.longshore.linux.Userfaultfd;
import java.io.IOException;

/**
 * Holds memories beside this process, so that what is missing of them does not read as zero when
 * this process dies. Thread-safe.
 */
public interface MemoryHolder {
  /** Takes a duplicate. From when it returns the memory outlives this process. */
  void hold(Userfaultfd memory) throws IOException;

  /**
   * Nothing is missing any more: lets go of all. When it returns nobody but this process has the
   * memories; else a process that forks would wait for ever for somebody to read of it.
   */
  void release();
}
