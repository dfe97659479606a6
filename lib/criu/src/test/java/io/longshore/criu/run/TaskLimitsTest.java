package io.longshore.criu.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A process of another user, on a node whose root has no CAP_SYS_RESOURCE. */
class TaskLimitsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Asks as CRIU does. */
  private static final String PROGRAM =
      """
      #include <errno.h>
      #include <stdint.h>
      #include <stdio.h>
      #include <stdlib.h>
      #include <sys/syscall.h>
      #include <unistd.h>
      int main(int count, char **words) {
        for (int resource = 0; count == 2 && resource < 16; resource++) {
          uint64_t limit[2];
          if (syscall(SYS_prlimit64, atoi(words[1]), resource, NULL, limit)) {
            printf("%d error %d\\n", resource, errno);
            return 0;
          }
          printf("%d %lx %lx\\n", resource, limit[0], limit[1]);
        }
      }
      """;

  @TempDir Path folder;
  private int workload;

  static Stream<Criu> crius() {
    return Crius.both();
  }

  @AfterEach
  void killWorkload() throws Exception {
    if (Workload.commandLine(workload).startsWith("sleep")) {
      SystemCalls.signal(workload, SystemCalls.SIGKILL);
    }
  }

  @ParameterizedTest
  @MethodSource("crius")
  void itCanBeDumped(Criu criu) throws Exception {
    start();
    Path images = Files.createDirectory(folder.resolve("images"));
    Path work = Files.createDirectory(folder.resolve("work"));
    CriuDump dump = CriuDump.start(criu, DumpOptions.of(workload, images, work));
    dump.awaitReady(PATIENCE);
    dump.abort(PATIENCE);
    assertThat(images.resolve("core-" + workload + ".img")).exists();
  }

  @Test
  void itsLimitsAreThoseThatItSeesItself() throws Exception {
    start();
    Path source = folder.resolve("limits.c");
    Path program = folder.resolve("limits");
    Files.writeString(source, PROGRAM);
    said("gcc", "-o", program.toString(), source.toString());
    String pid = Integer.toString(workload);
    String seen =
        said(
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program.toString(), pid);
    assertThat(seen).contains("3 100000 ffffffffffffffff\n", "4 0 1000\n", "7 64 c8\n");
    Path library = PreloadedLibrary.TASK_LIMITS.putInto(folder);
    assertThat(said("env", "LD_PRELOAD=" + library, program.toString(), pid)).isEqualTo(seen);
    // A process that is not there is not made up.
    assertThat(said("env", "LD_PRELOAD=" + library, program.toString(), "4194305"))
        .isEqualTo("0 error 3\n");
  }

  private static String said(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
    return said;
  }

  private void start() throws Exception {
    String[] command = {
      "setsid",
      "--",
      "prlimit",
      "--nofile=100:200",
      "--core=0:4096",
      "--stack=1048576:unlimited",
      "setpriv",
      "--no-new-privs",
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      "--bounding-set=-sys_resource",
      "sleep",
      "3600"
    };
    workload =
        (int)
            new ProcessBuilder(command)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(new File("/dev/null"))
                .redirectError(new File("/dev/null"))
                .start()
                .pid();
    await().atMost(PATIENCE).until(() -> Workload.commandLine(workload).startsWith("sleep"));
  }
}
