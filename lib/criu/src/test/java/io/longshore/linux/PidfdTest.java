package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class PidfdTest {
  @Test
  void tellsWhenTheProcessHasEnded() throws Exception {
    try (Child child = Child.sleeping();
        Pidfd pidfd = Pidfd.open(child.pid())) {
      assertThat(pidfd.awaitExit(Duration.ofMillis(20))).isFalse();

      pidfd.signal(Pidfd.SIGTERM);

      assertThat(pidfd.awaitExit(Duration.ofSeconds(5))).isTrue();
      assertThat(child.process().waitFor()).isEqualTo(128 + Pidfd.SIGTERM);
    }
  }

  @Test
  void waitsAsLongAsAskedAndNotLonger() throws Exception {
    try (Child child = Child.sleeping();
        Pidfd pidfd = Pidfd.open(child.pid())) {
      long start = System.nanoTime();
      boolean ended = pidfd.awaitExit(Duration.ofMillis(150));
      assertThat(ended).isFalse();
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(Duration.ofMillis(150), Duration.ofSeconds(2));
    }
  }

  @Test
  void saysWhichCallFailedForAMissingProcess() {
    assertThatThrownBy(() -> Pidfd.open(0x3F_FFFF + 1).close())
        .isInstanceOfSatisfying(
            SystemCallException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ESRCH))
        .hasMessage("pidfd_open(4194304) failed: ESRCH (No such process)");
  }

  @Test
  void refusesToSignalAnEndedProcess() throws Exception {
    Child child = Child.sleeping();
    try (Pidfd pidfd = Pidfd.open(child.pid())) {
      child.close();
      assertThatThrownBy(() -> pidfd.signal(0))
          .isInstanceOfSatisfying(
              SystemCallException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ESRCH));
    }
  }

  @Test
  void duplicatesADescriptorOfAnotherProcess() throws Exception {
    Path file = Files.createTempFile("longshore", "pidfd");
    try (Child child = Child.bash("exec 7<'" + file + "'; echo ready; exec sleep 60")) {
      assertThat(child.line()).isEqualTo("ready");
      try (Pidfd pidfd = Pidfd.open(child.pid());
          FileDescriptorHandle copy = pidfd.duplicateDescriptor(7)) {
        assertThat(Files.readSymbolicLink(Path.of("/proc/self/fd/" + copy.number())))
            .isEqualTo(file);
        assertThatThrownBy(() -> pidfd.duplicateDescriptor(99).close())
            .hasMessageContaining("descriptor 99")
            .hasMessageContaining("EBADF");
      }
    } finally {
      Files.delete(file);
    }
  }
}
