package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Against real processes, in both hierarchies, inside a cgroup of the test's own. */
class CgroupFenceTest {
  private static final Duration LIMIT = Duration.ofSeconds(5);
  private static final Duration PAUSE = Duration.ofMillis(200);

  @Nested
  class InVersion1 extends Fenced {
    InVersion1() throws IOException {
      super(hierarchy(CgroupHierarchy.Version.V1_FREEZER));
    }
  }

  @Nested
  class InVersion2 extends Fenced {
    InVersion2() throws IOException {
      super(hierarchy(CgroupHierarchy.Version.V2));
    }
  }

  private static CgroupHierarchy hierarchy(CgroupHierarchy.Version version) throws IOException {
    return CgroupHierarchy.mounted().stream()
        .filter(each -> each.version() == version)
        .findFirst()
        .orElseThrow();
  }

  @Test
  void prefersTheVersion1FreezerWhereItIsMounted() throws Exception {
    assertThat(CgroupHierarchy.forFreezing().version())
        .isEqualTo(CgroupHierarchy.Version.V1_FREEZER);
  }

  @Test
  void readsMountsWithSpacesInTheirNames() {
    assertThat(
            CgroupHierarchy.parse(
                "41 31 0:38 /a\\040b /mnt/c\\040d rw,relatime shared:5 - cgroup2 none rw"))
        .contains(new CgroupHierarchy(CgroupHierarchy.Version.V2, Path.of("/mnt/c d"), "/a b"));
    assertThat(CgroupHierarchy.parse("37 31 0:34 / /f rw - cgroup cgroup rw,devices,freezer"))
        .contains(new CgroupHierarchy(CgroupHierarchy.Version.V1_FREEZER, Path.of("/f"), "/"));
    assertThat(CgroupHierarchy.parse("37 31 0:34 / /f rw - cgroup cgroup rw,devices")).isEmpty();
    assertThat(CgroupHierarchy.parse("27 1 254:0 / / rw - ext4 /dev/vda rw")).isEmpty();
  }

  abstract static class Fenced {
    private final CgroupHierarchy hierarchy;
    private final String name = "test-" + UUID.randomUUID();
    private final Path home;

    Fenced(CgroupHierarchy hierarchy) throws IOException {
      this.hierarchy = hierarchy;
      this.home = Files.createDirectory(hierarchy.mountPoint().resolve("home-of-" + name));
    }

    @AfterEach
    void leavesNothing() throws Exception {
      for (CgroupFence fence : CgroupFence.attach(hierarchy, name).stream().toList()) {
        fence.kill(LIMIT);
        fence.dissolve();
      }
      Files.deleteIfExists(home.resolve("inner"));
      await().ignoreExceptions().until(() -> Files.deleteIfExists(home) || !Files.exists(home));
    }

    private Child start(String script) throws IOException {
      Child child = Child.bash("echo $$ > " + home + "/cgroup.procs; echo ready; " + script);
      assertThat(child.line()).isEqualTo("ready");
      return child;
    }

    @Test
    void takesInTheWholeTreeAndGivesItBack() throws Exception {
      try (Child child = start("sleep 60 & sleep 60 & wait")) {
        await().until(() -> ProcessTree.of(child.pid()).tasks().size() == 3);
        List<Integer> tree = ProcessTree.of(child.pid()).pids();

        CgroupFence fence = CgroupFence.create(hierarchy, name, List.of(child.pid()));

        Path folder = home.resolve("longshore-" + name);
        assertThat(fence.processes()).containsExactlyInAnyOrderElementsOf(tree);
        assertThat(CgroupFiles.processes(folder)).containsExactlyInAnyOrderElementsOf(tree);
        assertThat(fence.freezeRequested()).isFalse();
        assertThat(CgroupFence.names(hierarchy)).contains(name);

        fence.dissolve();
        fence.dissolve();

        assertThat(CgroupFiles.processes(home)).containsExactlyInAnyOrderElementsOf(tree);
        assertThat(folder).doesNotExist();
        assertThat(CgroupFence.attach(hierarchy, name)).isEmpty();
        assertThat(CgroupFence.names(hierarchy)).doesNotContain(name);
      }
    }

    @Test
    void losesNoChildOfATreeThatForksAllTheTime() throws Exception {
      StringBuilder script = new StringBuilder();
      for (int i = 1; i <= 6; i++) {
        script.append("(while true; do sleep 0.0%d & wait; done) &\n".formatted(i));
      }
      try (Child child = start(script + "wait")) {
        await().until(() -> ProcessTree.of(child.pid()).tasks().size() >= 10);

        CgroupFence fence = CgroupFence.create(hierarchy, name, List.of(child.pid()));
        fence.freeze(LIMIT);

        ProcessTree frozen = ProcessTree.of(child.pid());
        assertThat(frozen.stable()).isTrue();
        assertThat(CgroupFiles.processes(home)).isEmpty();
        assertThat(fence.processes())
            .containsAll(frozen.tasks().stream().filter(Task::alive).map(Task::pid).toList());
        fence.kill(LIMIT);
      }
    }

    @Test
    void nothingRunsWhileFrozenAndAllGoesOnAfterwards() throws Exception {
      try (Child child = start("while true; do :; done")) {
        await().until(() -> processorTicks(child.pid()) > 0);
        CgroupFence fence = CgroupFence.create(hierarchy, name, List.of(child.pid()));

        fence.freeze(LIMIT);
        fence.freeze(LIMIT);

        assertThat(fence.freezeRequested()).isTrue();
        long ticks = processorTicks(child.pid());
        assertThat(endsWithin(child.pid(), PAUSE)).isFalse();
        assertThat(processorTicks(child.pid())).isEqualTo(ticks);

        fence.thaw();
        fence.thaw();

        await().until(() -> processorTicks(child.pid()) > ticks);
        fence.dissolve();
        assertThat(CgroupFiles.processes(home)).contains(child.pid());
      }
    }

    @Test
    void aTracedTreeCountsAsFrozenAndStaysSoWhenItsTracerDies() throws Exception {
      // The traced process is not a child of this JVM, which would take the stop for its end.
      try (Child child = start("(while true; do :; done) & echo $!; wait")) {
        int traced = Integer.parseInt(child.line());
        CgroupFence fence = CgroupFence.create(hierarchy, name, List.of(child.pid()));
        long ticks;
        try (Tracer tracer = Tracer.attachTo(traced)) {
          await().until(() -> ProcessTree.of(tracer.pid()).root().state() == Task.State.TRACED);
          fence.freeze(LIMIT);
          ticks = processorTicks(traced);
        }
        await().until(() -> ProcessTree.of(traced).root().tracerThreadId() == 0);
        assertThat(endsWithin(traced, PAUSE)).isFalse();
        assertThat(processorTicks(traced)).isEqualTo(ticks);

        fence.thaw();
        await().until(() -> processorTicks(traced) > ticks);
      }
    }

    @Test
    void aStoppedTreeCountsAsFrozenAndStaysSoWhenItIsContinued() throws Exception {
      // It catches the signal: version 2 lets a signal kill a frozen process that does not.
      try (Child child = start("trap 'exit 3' TERM; echo trap; while true; do :; done");
          Pidfd pidfd = Pidfd.open(child.pid())) {
        assertThat(child.line()).isEqualTo("trap");
        pidfd.signal(Pidfd.SIGSTOP);
        await().until(() -> ProcessTree.of(child.pid()).root().state() == Task.State.STOPPED);
        CgroupFence fence = CgroupFence.create(hierarchy, name, List.of(child.pid()));
        fence.freeze(LIMIT);
        pidfd.signal(Pidfd.SIGCONT);
        pidfd.signal(Pidfd.SIGTERM);
        assertThat(pidfd.awaitExit(PAUSE)).isFalse();
        fence.thaw();
        assertThat(child.process().waitFor()).isEqualTo(3);
      }
    }

    @Test
    void memoryOfAFrozenProcessCanBeRead() throws Exception {
      try (Child child = Child.java(PatternedMemory.class, Long.toString(1 << 20));
          ProcessMemoryReader reader = new ProcessMemoryReader();
          AnonymousMemory copy = AnonymousMemory.map(1 << 20);
          PageMapScan scan = PageMapScan.open(child.pid())) {
        long address = Long.parseLong(child.line());
        assertThat(CgroupFiles.move(child.pid(), home)).isTrue();
        CgroupFence fence = CgroupFence.create(hierarchy, name, List.of(child.pid()));
        fence.freeze(LIMIT);
        assertThat(reader.read(child.pid(), address, copy.segment())).isEqualTo(1 << 20);
        assertThat(PatternedMemory.firstWrong(copy.segment(), 0)).isEqualTo(-1);
        assertThat(scan.scan(address, address + (1 << 20), PageQuery.OWN_CONTENT, (s, e, c) -> {}))
            .isEqualTo(256);
        fence.kill(LIMIT);
      }
    }

    @Test
    void killsFrozenProcessesBeforeTheyRunAgain() throws Exception {
      Path counter = Files.createTempFile("longshore", "counter");
      try (Child child =
          start("trap 'echo trapped > %s' TERM; sleep 60 & wait; sleep 60".formatted(counter))) {
        await().until(() -> ProcessTree.of(child.pid()).tasks().size() == 2);
        List<Integer> tree = ProcessTree.of(child.pid()).pids();
        CgroupFence fence = CgroupFence.create(hierarchy, name, List.of(child.pid()));
        fence.freeze(LIMIT);
        try (Pidfd pidfd = Pidfd.open(child.pid())) {
          pidfd.signal(Pidfd.SIGTERM);
        }

        fence.kill(LIMIT);
        fence.kill(LIMIT);

        assertThat(child.process().waitFor()).isEqualTo(128 + Pidfd.SIGKILL);
        assertThat(counter).isEmptyFile();
        assertThat(fence.processes()).isEmpty();
        assertThat(tree).noneMatch(pid -> Files.exists(Path.of("/proc/" + pid + "/exe")));
        fence.dissolve();
        assertThat(home.resolve("longshore-" + name)).doesNotExist();
      } finally {
        Files.delete(counter);
      }
    }

    @Test
    void killsATreeThatRunsAndForks() throws Exception {
      try (Child child = start("(while true; do sleep 0.01; done) & while true; do :; done")) {
        CgroupFence fence = CgroupFence.create(hierarchy, name, List.of(child.pid()));
        fence.kill(LIMIT);
        assertThat(fence.processes()).isEmpty();
        assertThat(CgroupFiles.processes(home)).isEmpty();
        assertThat(child.process().waitFor()).isEqualTo(128 + Pidfd.SIGKILL);
      }
    }

    @Test
    void isTakenUpAgainByName() throws Exception {
      try (Child child = start("exec sleep 60")) {
        CgroupFence.create(hierarchy, name, List.of(child.pid())).freeze(LIMIT);

        CgroupFence again = CgroupFence.attach(hierarchy, name).orElseThrow();

        assertThat(again.freezeRequested()).isTrue();
        assertThat(again.processes()).containsExactly(child.pid());
        again.thaw();
        assertThat(again.freezeRequested()).isFalse();
        again.dissolve();
        assertThat(CgroupFiles.processes(home)).containsExactly(child.pid());
      }
    }

    @Test
    void refusesToLetFrozenProcessesRunByBeingDissolved() throws Exception {
      try (Child child = start("exec sleep 60")) {
        CgroupFence fence = CgroupFence.create(hierarchy, name, List.of(child.pid()));
        fence.freeze(LIMIT);
        assertThatThrownBy(fence::dissolve)
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining(Integer.toString(child.pid()));
        assertThat(fence.freezeRequested()).isTrue();
        assertThat(fence.processes()).containsExactly(child.pid());
        fence.kill(LIMIT);
      }
    }

    @Test
    void fencesProcessesOfDifferentCgroupsEachBelowItsOwn() throws Exception {
      Path inner = Files.createDirectory(home.resolve("inner"));
      try (Child child = start("sleep 60 & echo $!; wait")) {
        int below = Integer.parseInt(child.line());
        assertThat(CgroupFiles.move(below, inner)).isTrue();

        CgroupFence fence = CgroupFence.create(hierarchy, name, List.of(child.pid()));

        assertThat(CgroupFiles.processes(home.resolve("longshore-" + name)))
            .containsExactly(child.pid());
        assertThat(CgroupFiles.processes(inner.resolve("longshore-" + name)))
            .containsExactly(below);
        fence.freeze(LIMIT);
        fence.thaw();
        fence.dissolve();
        assertThat(CgroupFiles.processes(inner)).containsExactly(below);
        fence = CgroupFence.create(hierarchy, name, List.of(child.pid()));
        fence.kill(LIMIT);
        fence.dissolve();
      }
      Files.delete(inner);
    }

    @Test
    void adoptsIntoAFrozenFenceFrozen() throws Exception {
      try (Child first = start("exec sleep 60");
          Child second = Child.bash("echo ready; while true; do :; done")) {
        assertThat(second.line()).isEqualTo("ready");
        CgroupFence fence = CgroupFence.create(hierarchy, name, List.of(first.pid()));
        fence.freeze(LIMIT);
        // The second is in another cgroup, so its part of the fence is made now.
        fence.adopt(second.pid());
        fence.freeze(LIMIT);
        assertThat(fence.processes()).containsExactlyInAnyOrder(first.pid(), second.pid());
        long ticks = processorTicks(second.pid());
        assertThat(endsWithin(second.pid(), PAUSE)).isFalse();
        assertThat(processorTicks(second.pid())).isEqualTo(ticks);
        fence.kill(LIMIT);
        fence.dissolve();
      }
    }

    @Test
    void leavesEverythingInPlaceIfARootIsMissing() throws Exception {
      Child gone = Child.sleeping();
      gone.close();
      try (Child child = start("exec sleep 60")) {
        assertThatThrownBy(
                () -> CgroupFence.create(hierarchy, name, List.of(child.pid(), gone.pid())))
            .isInstanceOf(NoSuchFileException.class);
        assertThat(CgroupFiles.processes(home)).containsExactly(child.pid());
        assertThat(CgroupFence.attach(hierarchy, name)).isEmpty();
      }
    }

    @Test
    void findsACgroupWhoseNameANamespaceHides() throws Exception {
      // As an agent in a cgroup namespace sees it that was mounted outside.
      CgroupHierarchy hidden =
          new CgroupHierarchy(hierarchy.version(), hierarchy.mountPoint(), "/../..");
      try (Child child = start("exec sleep 60")) {
        assertThat(hidden.cgroupOf(child.pid())).isEqualTo(home);
        assertThat(hierarchy.cgroupOf(child.pid())).isEqualTo(home);
      }
    }

    @Test
    void refusesNamesThatLeaveTheCgroup() {
      assertThatThrownBy(() -> CgroupFence.attach(hierarchy, "../x"))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> CgroupFence.attach(hierarchy, ""))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static boolean endsWithin(int pid, Duration time) throws IOException {
    try (Pidfd pidfd = Pidfd.open(pid)) {
      return pidfd.awaitExit(time);
    }
  }

  private static long processorTicks(int pid) throws IOException {
    String stat = ProcFiles.text(ProcFiles.of(pid, "stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
  }
}
