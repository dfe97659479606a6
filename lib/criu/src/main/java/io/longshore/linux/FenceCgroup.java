package io.longshore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** One cgroup of a {@link CgroupFence}: how it freezes. */
sealed interface FenceCgroup {
  /** Its folder. */
  Path folder();

  /** Asks for all members to be frozen, now and when they come. */
  void requestFreeze() throws IOException;

  /**
   * Waits until all are.
   *
   * @return false if the time was over first
   */
  boolean awaitFrozen(Duration timeout) throws IOException;

  /** Whether freezing was asked for, whether or not it is done. */
  boolean freezeRequested() throws IOException;

  /** Lets them run. */
  void thaw() throws IOException;

  /** Sends SIGKILL to all members at once, if this kind can. */
  boolean killAll() throws IOException;

  /** Pids of the members. */
  default List<Integer> processes() throws IOException {
    return CgroupFiles.processes(folder());
  }

  static FenceCgroup of(CgroupHierarchy hierarchy, Path folder) {
    return switch (hierarchy.version()) {
      case V1_FREEZER -> new V1(folder);
      case V2 -> new V2(folder);
      case V1_CPU -> throw new IllegalArgumentException(hierarchy + " does not freeze");
    };
  }

  /** Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst. */
  record V1(Path folder) implements FenceCgroup {
    private static final String STATE = "freezer.state";
    private static final long LONGEST_PAUSE = 1_000_000;

    @Override
    public void requestFreeze() throws IOException {
      CgroupFiles.write(folder, STATE, "FROZEN");
    }

    @Override
    public boolean awaitFrozen(Duration timeout) throws IOException {
      long deadline = System.nanoTime() + Durations.nanoseconds(timeout);
      long pause = 50_000;
      while (!CgroupFiles.read(folder, STATE).equals("FROZEN")) {
        if (System.nanoTime() - deadline >= 0) {
          return false;
        }
        // The file has no notification: the kernel looks at the members when it is read, and a
        // member that came meanwhile is asked by writing again.
        requestFreeze();
        LockSupport.parkNanos(pause);
        pause = Math.min(2 * pause, LONGEST_PAUSE);
      }
      return true;
    }

    @Override
    public boolean freezeRequested() throws IOException {
      return !CgroupFiles.read(folder, STATE).equals("THAWED");
    }

    @Override
    public void thaw() throws IOException {
      CgroupFiles.write(folder, STATE, "THAWED");
    }

    @Override
    public boolean killAll() {
      return false;
    }
  }

  /** Documentation/admin-guide/cgroup-v2.rst. */
  record V2(Path folder) implements FenceCgroup {
    private static final String FREEZE = "cgroup.freeze";
    private static final String EVENTS = "cgroup.events";
    private static final String KILL = "cgroup.kill"; // Linux 5.14
    private static final int EVENTS_SIZE = 4096;

    @Override
    public void requestFreeze() throws IOException {
      CgroupFiles.write(folder, FREEZE, "1");
    }

    @Override
    public boolean awaitFrozen(Duration timeout) throws IOException {
      long deadline = System.nanoTime() + Durations.nanoseconds(timeout);
      Path path = folder.resolve(EVENTS);
      try (FileDescriptorHandle events = FileDescriptorHandle.openForReading(path);
          Arena arena = Arena.ofConfined()) {
        MemorySegment buffer = arena.allocate(EVENTS_SIZE);
        while (true) {
          // Read through the descriptor that is polled: the read is what arms the poll.
          long length = SystemCalls.readFromStart(events.number(), buffer);
          if (length < 0) {
            throw new SystemCallException("read(" + path + ")", (int) -length);
          }
          String text =
              StandardCharsets.US_ASCII.decode(buffer.asSlice(0, length).asByteBuffer()).toString();
          if (text.lines().anyMatch("frozen 1"::equals)) {
            return true;
          }
          long left = deadline - System.nanoTime();
          if (left <= 0) {
            return false;
          }
          int _ = Poll.await(Poll.POLLPRI, Duration.ofNanos(left), events.number());
        }
      }
    }

    @Override
    public boolean freezeRequested() throws IOException {
      return CgroupFiles.read(folder, FREEZE).equals("1");
    }

    @Override
    public void thaw() throws IOException {
      CgroupFiles.write(folder, FREEZE, "0");
    }

    @Override
    public boolean killAll() throws IOException {
      if (!Files.exists(folder.resolve(KILL))) {
        return false;
      }
      CgroupFiles.write(folder, KILL, "1");
      return true;
    }
  }
}
