package io.longshore.criu.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RestorePlaceTest {

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir Path folder;
  private Path images;
  private Path work;
  private Workload workload;

  @BeforeEach
  void startWorkload() throws Exception {
    images = Files.createDirectory(folder.resolve("images"));
    work = Files.createDirectory(folder.resolve("work"));
    // With a namespace of its own: without any, CRIU does not come to the action.
    workload = Workload.start(folder, 4, List.of("unshare", "--uts"));
  }

  @AfterEach
  void killWorkload() throws Exception {
    workload.kill();
  }

  static Stream<Criu> crius() {
    return Crius.both();
  }

  @ParameterizedTest
  @MethodSource("crius")
  void criuBecomesWhatTheLauncherWas(Criu criu) throws Exception {
    dump(criu);
    Path note = folder.resolve("launched");
    List<String> launcher =
        List.of("/bin/sh", "-c", "echo $$ >\"$0\"; exec \"$@\"", note.toString());

    CriuRestore restore = start(criu, new RestorePlace(launcher, List.of(), false));

    assertThat(restore.awaitHeld(PATIENCE)).isEqualTo(workload.pid());
    assertThat(note).hasContent(Integer.toString(restore.pid()));
    assertThat(CriuTask.find("restore", work)).isPresent();
    restore.go();
    assertThat(restore.awaitExit(PATIENCE)).contains(0);
    workload.assertMemoryIsRight();
  }

  @ParameterizedTest
  @MethodSource("crius")
  void isHeldWithItsNamespacesAndOnceMoreWithEverything(Criu criu) throws Exception {
    dump(criu);

    CriuRestore restore = start(criu, new RestorePlace(List.of(), List.of(), true));

    assertThat(restore.awaitNamespaces(PATIENCE)).isEqualTo(workload.pid());
    Barrier end = Barrier.attach(work, Barrier.Action.POST_RESTORE);
    assertThat(end.held()).isEmpty();
    assertThatThrownBy(restore::go).isInstanceOf(IllegalStateException.class);
    restore.goOn();
    assertThat(restore.awaitHeld(PATIENCE)).isEqualTo(workload.pid());
    restore.go();
    assertThat(restore.awaitExit(PATIENCE)).contains(0);
    workload.assertMemoryIsRight();
  }

  @ParameterizedTest
  @MethodSource("crius")
  void anAbortAmongTheNamespacesLeavesNothing(Criu criu) throws Exception {
    dump(criu);
    CriuRestore restore = start(criu, new RestorePlace(List.of(), List.of(), true));
    restore.awaitNamespaces(PATIENCE);

    restore.abort(PATIENCE);

    await().atMost(PATIENCE).until(() -> workload.state() == '-');
    assertThat(CriuTask.below(work)).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aLauncherThatFailsIsReportedInItsWords(Criu criu) throws Exception {
    dump(criu);
    List<String> launcher = List.of("/bin/sh", "-c", "echo no such namespace >&2; exit 3");

    CriuRestore restore = start(criu, new RestorePlace(launcher, List.of(), false));

    assertThatThrownBy(() -> restore.awaitHeld(PATIENCE))
        .isInstanceOfSatisfying(
            CriuFailure.class,
            failure -> {
              assertThat(failure.exitStatus()).hasValue(3);
              assertThat(failure.logLines()).contains("no such namespace");
            });
  }

  @ParameterizedTest
  @MethodSource("crius")
  void itsOptionsReachCriu(Criu criu) throws Exception {
    dump(criu);

    CriuRestore restore = start(criu, new RestorePlace(List.of(), List.of("--nonsense"), false));

    assertThatThrownBy(() -> restore.awaitHeld(PATIENCE)).hasStackTraceContaining("--nonsense");
  }

  private CriuRestore start(Criu criu, RestorePlace place) throws Exception {
    return CriuRestore.start(criu, RestoreOptions.eager(images, work).in(place));
  }

  /** With all pages; what was dumped is gone. */
  private void dump(Criu criu) throws Exception {
    List<String> command = new ArrayList<>(List.of("setsid", "--"));
    command.addAll(List.of(criu.executable().toString(), "dump"));
    command.addAll(DumpOptions.of(workload.pid(), images, work).arguments());
    command.addAll(List.of("--work-dir", work.toString(), "--log-file", "dump.log"));
    Process dump =
        new ProcessBuilder(command)
            .redirectInput(new File("/dev/null"))
            .redirectOutput(new File("/dev/null"))
            .redirectError(new File("/dev/null"))
            .start();
    assertThat(dump.waitFor()).isZero();
    workload.killAndFreePids();
  }
}
