package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A userfaultfd made in another process: what becomes of what that is doing. */
class WriteProtectionTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration LIMIT = Duration.ofMillis(100);

  @TempDir Path folder;
  private Injector injector;
  private int pid;

  @BeforeEach
  void startInjector() throws Exception {
    injector = Injector.start(folder);
    assertThat(folder).as("nothing stays in it").isEmptyDirectory();
  }

  @AfterEach
  void killWhatIsLeft() throws Exception {
    injector.close();
    await().atMost(PATIENCE).until(() -> ProcessHandle.of(injector.pid()).isEmpty());
    if (pid != 0 && Files.exists(Path.of("/proc/" + pid))) {
      signal(Pidfd.SIGKILL);
    }
  }

  @Test
  void thisKernelHasIt() throws Exception {
    assertThat(WriteProtectionCheck.isReliable()).isTrue();
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
    start("waits", kind);
    Duration limit = kind.equals("vfork") ? LIMIT : PATIENCE;
    int made = 0;
    while (!Files.exists(folder.resolve("result"))) {
      try (WriteProtection _ = WriteProtection.of(pid, injector, limit)) {
        made++;
      } catch (IOException e) {
        // It has ended, or waits for its child, which a process with vfork(2) does uninterruptibly.
        assertThat(kind.equals("vfork") || !Files.exists(Path.of("/proc/" + pid, "exe")))
            .as("%s", e)
            .isTrue();
      }
    }
    assertThat(folder.resolve("result")).hasContent("right\n");
    assertThat(made).isGreaterThan(5);
    System.out.println(kind + ": stopped " + made + " times");
  }

  @Test
  void aStoppedProcessStaysStoppedAndKeepsNoDescriptor() throws Exception {
    start("sleep", "1000");
    signal(Pidfd.SIGSTOP);
    await().until(() -> TaskReader.read(pid).state() == Task.State.STOPPED);
    List<String> before = descriptors();
    try (WriteProtection _ = WriteProtection.of(pid, injector, LIMIT)) {
      await().until(() -> TaskReader.read(pid).state() == Task.State.STOPPED);
      assertThat(descriptors()).isEqualTo(before);
      assertThat(TaskReader.read(pid).tracerThreadId()).isZero();
    }
    signal(Pidfd.SIGCONT);
    await().until(() -> TaskReader.read(pid).state() == Task.State.SLEEPING);
  }

  @Test
  void leavesAProcessAloneThatSomebodyTraces() throws Exception {
    start("sleep", "1000");
    try (Tracer tracer = Tracer.attachTo(pid)) {
      await().until(() -> TaskReader.read(pid).state() == Task.State.TRACED);
      assertThatThrownBy(() -> WriteProtection.of(pid, injector, LIMIT))
          .isInstanceOf(IOException.class);
      assertThat(TaskReader.read(pid).tracerThreadId()).isNotZero();
      tracer.detach();
    }
    try (WriteProtection protection = WriteProtection.of(pid, injector, LIMIT)) {
      assertThat(protection).isNotNull();
    }
  }

  @Test
  void leavesAFrozenProcessAlone() throws Exception {
    start("sleep", "1000");
    CgroupFence fence = CgroupFence.create("test-write-protection", List.of(pid));
    try {
      fence.freeze(PATIENCE);
      assertThatThrownBy(() -> WriteProtection.of(pid, injector, LIMIT))
          .isInstanceOf(IOException.class);
      fence.thaw();
      await().until(() -> TaskReader.read(pid).state() == Task.State.SLEEPING);
      WriteProtection.of(pid, injector, PATIENCE).close();
    } finally {
      fence.thaw();
      fence.dissolve();
    }
  }

  @Test
  void aChildOfThisProcessIsNotTakenForEnded() throws Exception {
    try (Child child = Child.sleeping();
        WriteProtection protection = WriteProtection.of(child.pid(), injector, PATIENCE)) {
      assertThat(protection).isNotNull();
      assertThat(child.process().isAlive()).isTrue();
    }
  }

  @Test
  void leavesZombiesAlone() throws Exception {
    // A shell that never waits for what it has started.
    start("sh", "-c", "sh -c 'exit 0' & exec sleep 1000");
    int zombie =
        await()
            .until(
                () ->
                    ProcessTree.of(pid).tasks().stream()
                        .filter(task -> task.state() == Task.State.ZOMBIE)
                        .map(Task::pid)
                        .findFirst()
                        .orElse(0),
                found -> found != 0);
    assertThatThrownBy(() -> WriteProtection.of(zombie, injector, LIMIT))
        .isInstanceOf(IOException.class);
  }

  /** Who asks is killed again and again, at any time; what is asked waits undisturbed. */
  @ParameterizedTest
  @ValueSource(strings = {"futex-timeout", "epoll", "compute"})
  void whoAsksCanBeKilledAtAnyTime(String kind) throws Exception {
    start("waits", kind, "150");
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
    assertThat(killed).isGreaterThan(1);
    System.out.println(kind + ": killed " + killed + " who asked");
  }

  /** To be killed. */
  static final class AsksAgainAndAgain {
    public static void main(String[] arguments) throws Exception {
      Injector injector = Injector.start(Path.of(arguments[1]));
      int pid = Integer.parseInt(arguments[0]);
      // Until then most of the time goes by with classes.
      ask(pid, injector);
      System.out.println("asks");
      while (System.in.available() == 0) {
        ask(pid, injector);
      }
    }

    private static void ask(int pid, Injector injector) throws InterruptedException {
      boolean made = false;
      while (!made && Files.exists(Path.of("/proc/" + pid, "exe"))) {
        try {
          WriteProtection.of(pid, injector, PATIENCE).close();
          made = true;
        } catch (IOException e) {
          // The one of who was killed has not come to its end yet.
          Thread.sleep(1);
        }
      }
    }
  }

  @Test
  void nothingIsLeftOfATrackerThatIsKilled() throws Exception {
    start("sleep", "1000");
    List<String> before = flags();
    try (Child tracker = Child.java(ProtectsAnother.class, "" + pid, folder.toString())) {
      assertThat(tracker.line()).isEqualTo("protected");
      assertThat(flags()).isNotEqualTo(before).anyMatch(line -> line.contains(" uw"));
      tracker.process().destroyForcibly().waitFor();
    }
    await().atMost(PATIENCE).untilAsserted(() -> assertThat(flags()).isEqualTo(before));
    assertThat(TaskReader.read(pid).state()).isEqualTo(Task.State.SLEEPING);
  }

  /** To be killed. */
  static final class ProtectsAnother {
    public static void main(String[] arguments) throws Exception {
      int pid = Integer.parseInt(arguments[0]);
      Injector injector = Injector.start(Path.of(arguments[1]));
      try (WriteProtection protection = WriteProtection.of(pid, injector, PATIENCE)) {
        for (Mapping mapping : Mappings.read(pid)) {
          if (mapping.kind() == Mapping.Kind.ANONYMOUS) {
            protection.register(mapping.start(), mapping.length());
          }
        }
        System.out.println("protected");
        while (System.in.read() >= 0) {
          // until it is killed
        }
      }
    }
  }

  private List<String> flags() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid + "/smaps"))) {
      return lines.filter(line -> line.startsWith("VmFlags") || line.contains("-")).toList();
    }
  }

  private List<String> descriptors() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/proc/" + pid + "/fd"))) {
      return files.map(String::valueOf).sorted().toList();
    }
  }

  private void signal(int signal) throws IOException {
    try (Pidfd process = Pidfd.open(pid)) {
      process.signal(signal);
    }
  }

  private void start(String program, String... arguments) throws Exception {
    pid = Stranger.start(folder, program, arguments);
  }
}
