package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessTreeTest {
  @Test
  void findsAllDescendantsParentsFirst() throws Exception {
    try (Child child =
        Child.bash("(sleep 60 & sleep 60 & wait) & (exec sleep 60) & echo $!; wait")) {
      int last = Integer.parseInt(child.line());
      await().until(() -> ProcessTree.of(child.pid()).tasks().size() == 5);

      ProcessTree tree = ProcessTree.of(child.pid());

      assertThat(tree.stable()).isTrue();
      assertThat(tree.root().pid()).isEqualTo(child.pid());
      assertThat(tree.pids()).doesNotHaveDuplicates().contains(last);
      for (Task task : tree.tasks().subList(1, 5)) {
        assertThat(tree.pids().indexOf(task.parentPid()))
            .isBetween(0, tree.pids().indexOf(task.pid()) - 1);
      }
      assertThat(tree.tasks()).allMatch(Task::alive);
    }
  }

  @Test
  void findsChildrenOfEveryThread() throws Exception {
    // A JVM forks from the thread that starts the process, not from its first thread.
    try (Child child = Child.sleeping()) {
      assertThat(ProcessTree.of((int) ProcessHandle.current().pid()).pids()).contains(child.pid());
    }
  }

  @Test
  void readsWhatTheProcessIs() throws Exception {
    try (Child child = Child.start("setsid", "bash", "-c", "exec -a x sleep 60")) {
      await().until(() -> ProcessTree.of(child.pid()).root().command().equals("sleep"));
      Task task = ProcessTree.of(child.pid()).root();
      assertThat(task.ownPid()).isEqualTo(child.pid());
      assertThat(task.ownThreadIds()).containsExactly(child.pid());
      assertThat(task.parentPid()).isEqualTo((int) ProcessHandle.current().pid());
      assertThat(task.sessionId()).isEqualTo(child.pid());
      assertThat(task.processGroupId()).isEqualTo(child.pid());
      assertThat(task.ownSessionId()).isEqualTo(child.pid());
      assertThat(task.ownProcessGroupId()).isEqualTo(child.pid());
      assertThat(task.startTime()).isPositive();
      assertThat(task.tracerThreadId()).isZero();
    }
  }

  @Test
  void givesNumbersOfTheInnermostNamespace() throws Exception {
    try (Child child =
        Child.start("unshare", "--pid", "--fork", "--kill-child", "setsid", "sleep", "60")) {
      await()
          .until(
              () ->
                  ProcessTree.of(child.pid()).tasks().stream()
                      .anyMatch(task -> task.command().equals("sleep")));
      Task inner = ProcessTree.of(child.pid()).tasks().getLast();
      assertThat(inner.pid()).isNotEqualTo(1);
      // setsid(1) forks because it was already a group's leader, or is pid 1 itself.
      assertThat(inner.ownPid()).isLessThan(10);
      assertThat(inner.ownThreadIds()).containsExactly(inner.ownPid());
      assertThat(inner.ownSessionId()).isEqualTo(inner.ownPid());
    }
  }

  @Test
  void knowsAllThreads() throws Exception {
    Task self = ProcessTree.of((int) ProcessHandle.current().pid()).root();
    assertThat(self.ownThreadIds()).contains(self.ownPid()).hasSizeGreaterThan(5);
  }

  @Test
  void tellsStoppedTracedAndEndedProcesses() throws Exception {
    try (Child stopped = Child.sleeping();
        // Not a child of this JVM, which would take the trace stop for the end of its child.
        Child parentOfTraced = Child.bash("sleep 60 & echo $!; wait");
        // Its child ends at once and is never reaped, since exec forgets about it.
        Child parent = Child.bash("sleep 0 & exec sleep 60");
        Tracer tracer = Tracer.attachTo(Integer.parseInt(parentOfTraced.line()))) {
      try (Pidfd pidfd = Pidfd.open(stopped.pid())) {
        pidfd.signal(Pidfd.SIGSTOP);
      }
      await().until(() -> state(stopped.pid()) == Task.State.STOPPED);
      await().until(() -> state(tracer.pid()) == Task.State.TRACED);
      assertThat(Path.of("/proc/self/task"))
          .isDirectoryContaining(
              thread -> thread.endsWith(Integer.toString(tracedBy(tracer.pid()))));
      await()
          .until(
              () ->
                  ProcessTree.of(parent.pid()).tasks().stream()
                      .map(Task::state)
                      .toList()
                      .equals(List.of(Task.State.SLEEPING, Task.State.ZOMBIE)));
      assertThat(ProcessTree.of(parent.pid()).tasks().getLast().alive()).isFalse();
    }
  }

  @Test
  void readsACommandThatLooksLikeTheRestOfTheLine() throws Exception {
    try (Child child = Child.bash("printf 'a) R 1 (b' > /proc/$$/comm; echo ready; read x")) {
      assertThat(child.line()).isEqualTo("ready");
      Task task = ProcessTree.of(child.pid()).root();
      assertThat(task.command()).isEqualTo("a) R 1 (b");
      assertThat(task.parentPid()).isEqualTo((int) ProcessHandle.current().pid());
    }
  }

  @Test
  void saysThatThereIsNoSuchProcess() throws Exception {
    Child child = Child.sleeping();
    child.close();
    assertThatThrownBy(() -> ProcessTree.of(child.pid())).isInstanceOf(NoSuchFileException.class);
  }

  private static Task.State state(int pid) throws Exception {
    return ProcessTree.of(pid).root().state();
  }

  private static int tracedBy(int pid) {
    try {
      return ProcessTree.of(pid).root().tracerThreadId();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
