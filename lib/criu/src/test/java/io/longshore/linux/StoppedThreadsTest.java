package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** With real processes that sleep or run. */
@Timeout(60)
final class StoppedThreadsTest {
  @Test
  void oneThreadIsWhereItIs() throws Exception {
    Process sleeping = new ProcessBuilder("sleep", "60").start();
    try {
      int pid = (int) sleeping.pid();
      new ProcessFamily(List.of(ProcessFamily.Member.of(pid))).stop(Duration.ofSeconds(10));
      assertThat(StoppedThreads.areTogether(pid)).isTrue();
    } finally {
      sleeping.destroyForcibly().waitFor();
    }
  }

  @Test
  void whoRunsIsNowhere() throws Exception {
    Process running = new ProcessBuilder("sh", "-c", "while :; do :; done").start();
    try {
      assertThat(StoppedThreads.areTogether((int) running.pid())).isFalse();
    } finally {
      running.destroyForcibly().waitFor();
    }
  }

  @Test
  void threadsThatRanAreInCodeOfTheirOwn() throws Exception {
    // Some of a JVM's threads are in code that it made, others in its libraries.
    Process jvm =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xint",
                "-Xmx16m",
                "-cp",
                System.getProperty("java.class.path"),
                Spinning.class.getName())
            .redirectOutput(ProcessBuilder.Redirect.PIPE)
            .start();
    try {
      assertThat(jvm.getInputStream().read()).isEqualTo('s');
      int pid = (int) jvm.pid();
      new ProcessFamily(List.of(ProcessFamily.Member.of(pid))).stop(Duration.ofSeconds(10));
      assertThat(StoppedThreads.areTogether(pid)).isFalse();
    } finally {
      jvm.destroyForcibly().waitFor();
    }
  }

  /** A main thread in interpreted code. */
  static final class Spinning {
    private Spinning() {}

    public static void main(String[] arguments) {
      System.out.print('s');
      System.out.flush();
      long turns = 0;
      while (turns >= 0) {
        turns++;
      }
    }
  }
}
