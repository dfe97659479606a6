package io.longshore.linux;

import static io.longshore.linux.Holder.Outcome.HELD;
import static io.longshore.linux.Holder.Outcome.LET_GO;
import static io.longshore.linux.Holder.Outcome.REFUSED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Processes held for a moment: that they stand, and what becomes of what they are doing. */
class HolderTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration LIMIT = Duration.ofMillis(100);

  @TempDir Path folder;
  private Holder holder;
  private int pid;

  @BeforeEach
  void startHolder() throws Exception {
    holder = Holder.start(folder);
    assertThat(folder).as("nothing stays in it").isEmptyDirectory();
  }

  @AfterEach
  void killWhatIsLeft() throws Exception {
    holder.close();
    await().atMost(PATIENCE).until(() -> ProcessHandle.of(holder.pid()).isEmpty());
    if (pid != 0 && Files.exists(Path.of("/proc/" + pid))) {
      for (Task task : ProcessTree.of(pid).tasks()) {
        signal(task.pid(), Pidfd.SIGKILL);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nanosleep",
        "futex-timeout",
        "futex-wake",
        "read",
        "epoll",
        "sigwait",
        "sigsuspend",
        "vfork",
        "compute",
        "filtered"
      })
  void whatTheProcessWaitsForEndsAsUndisturbed(String kind) throws Exception {
    pid = Stranger.start(folder, "waits", kind);
    int held = 0;
    while (!Files.exists(folder.resolve("result"))) {
      held += hold(LIMIT, () -> requireStanding(pid)) == HELD ? 1 : 0;
    }
    assertThat(folder.resolve("result")).hasContent("right\n");
    assertThat(held).isGreaterThan(5);
    System.out.println(kind + ": held " + held + " times");
  }

  private static void requireStanding(int process) throws IOException {
    try {
      for (int thread : ProcFiles.numbers(ProcFiles.of(process, "task"))) {
        assertThat(TaskReader.threadState(process, thread))
            .as("thread %d", thread)
            .isIn(Task.State.TRACED, Task.State.ZOMBIE, Task.State.DEAD);
      }
    } catch (NoSuchFileException e) {
      // It has ended.
    }
  }

  @Test
  void aStoppedProcessStaysStopped() throws Exception {
    pid = Stranger.start(folder, "sleep", "1000");
    signal(pid, Pidfd.SIGSTOP);
    await().until(() -> TaskReader.read(pid).state() == Task.State.STOPPED);
    assertThat(hold(LIMIT, () -> requireStanding(pid))).isEqualTo(HELD);
    await().until(() -> TaskReader.read(pid).state() == Task.State.STOPPED);
    assertThat(TaskReader.read(pid).tracerThreadId()).isZero();
    signal(pid, Pidfd.SIGCONT);
    await().until(() -> TaskReader.read(pid).state() == Task.State.SLEEPING);
  }

  @Test
  void leavesAProcessAloneThatSomebodyTraces() throws Exception {
    pid = Stranger.start(folder, "sleep", "1000");
    try (Tracer tracer = Tracer.attachTo(pid)) {
      await().until(() -> TaskReader.read(pid).state() == Task.State.TRACED);
      assertThat(hold(LIMIT, this::mustNot)).isEqualTo(REFUSED);
      assertThat(TaskReader.read(pid).tracerThreadId()).isNotZero();
      tracer.detach();
    }
    assertThat(hold(LIMIT, () -> requireStanding(pid))).isEqualTo(HELD);
  }

  @Test
  void leavesAFrozenProcessAlone() throws Exception {
    pid = Stranger.start(folder, "sleep", "1000");
    CgroupFence fence = CgroupFence.create("test-holder", List.of(pid));
    try {
      fence.freeze(PATIENCE);
      assertThat(hold(LIMIT, this::mustNot)).isEqualTo(REFUSED);
      fence.thaw();
      await().until(() -> TaskReader.read(pid).state() == Task.State.SLEEPING);
      assertThat(hold(PATIENCE, () -> requireStanding(pid))).isEqualTo(HELD);
    } finally {
      fence.thaw();
      fence.dissolve();
    }
  }

  @Test
  void aProcessIsNotHeldWithoutTheOneThatHasItsMemory() throws Exception {
    pid = Stranger.start(folder, "waits", "shared", "1000");
    int other =
        await()
            .until(
                () ->
                    ProcessTree.of(pid).tasks().stream()
                        .map(Task::pid)
                        .filter(task -> task != pid)
                        .findFirst()
                        .orElse(0),
                found -> found != 0);
    assertThat(hold(LIMIT, this::mustNot)).isEqualTo(REFUSED);
    assertThat(holder.whileHeld(List.of(other), LIMIT, PATIENCE, this::mustNot)).isEqualTo(REFUSED);
    assertThat(
            holder.whileHeld(
                List.of(other, pid),
                LIMIT,
                PATIENCE,
                () -> {
                  requireStanding(pid);
                  requireStanding(other);
                }))
        .isEqualTo(HELD);
  }

  @Test
  void whatHasEndedIsLeftOut() throws Exception {
    int ended;
    try (Child child = Child.sleeping()) {
      ended = child.pid();
    }
    pid = Stranger.start(folder, "sleep", "1000");
    assertThat(holder.whileHeld(List.of(ended, pid), LIMIT, PATIENCE, () -> requireStanding(pid)))
        .isEqualTo(HELD);
  }

  @Test
  void whoTakesTooLongIsToldSo() throws Exception {
    pid = Stranger.start(folder, "sleep", "1000");
    Holder.Outcome outcome =
        holder.whileHeld(
            List.of(pid),
            LIMIT,
            LIMIT,
            () -> await().until(() -> TaskReader.read(pid).state() == Task.State.SLEEPING));
    assertThat(outcome).isEqualTo(LET_GO);
  }

  @Test
  void theyGoOnWhenTheActionFails() throws Exception {
    pid = Stranger.start(folder, "sleep", "1000");
    assertThatThrownBy(
            () ->
                hold(
                    LIMIT,
                    () -> {
                      throw new IOException("deliberate");
                    }))
        .hasMessage("deliberate");
    await().until(() -> TaskReader.read(pid).state() == Task.State.SLEEPING);
    assertThat(hold(LIMIT, () -> requireStanding(pid))).isEqualTo(HELD);
  }

  /** Who asks is killed again and again, at any time; who is held waits undisturbed. */
  @ParameterizedTest
  @ValueSource(strings = {"futex-timeout", "epoll", "compute"})
  void whoAsksCanBeKilledAtAnyTime(String kind) throws Exception {
    pid = Stranger.start(folder, "waits", kind, "150");
    int killed = 0;
    Random random = new Random();
    while (!Files.exists(folder.resolve("result"))
        && Files.exists(Path.of("/proc/" + pid, "exe"))) {
      try (Child asking = Child.java(AsksAgainAndAgain.class, "" + pid, folder.toString())) {
        assertThat(asking.line()).isEqualTo("asks");
        LockSupport.parkNanos(random.nextLong(TimeUnit.MILLISECONDS.toNanos(20)));
        asking.process().destroyForcibly().waitFor();
        killed++;
      }
    }
    assertThat(folder.resolve("result")).hasContent("right\n");
    assertThat(killed).isGreaterThan(2);
  }

  /** To be killed. */
  static final class AsksAgainAndAgain {
    private AsksAgainAndAgain() {}

    public static void main(String[] arguments) throws Exception {
      Holder holder = Holder.start(Path.of(arguments[1]));
      List<Integer> pids = List.of(Integer.parseInt(arguments[0]));
      System.out.println("asks");
      while (System.in.available() == 0) {
        var _ = holder.whileHeld(pids, LIMIT, PATIENCE, () -> LockSupport.parkNanos(1_000_000));
      }
    }
  }

  private Holder.Outcome hold(Duration toStop, Holder.Action action) throws IOException {
    return holder.whileHeld(List.of(pid), toStop, PATIENCE, action);
  }

  private void mustNot() {
    throw new AssertionError("was held");
  }

  private static void signal(int process, int signal) throws IOException {
    try (Pidfd handle = Pidfd.open(process)) {
      handle.signal(signal);
    } catch (SystemCallException e) {
      if (e.errno() != Errno.ESRCH) {
        throw e;
      }
    }
  }
}
