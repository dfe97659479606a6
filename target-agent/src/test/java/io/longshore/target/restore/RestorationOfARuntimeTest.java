package io.longshore.target.restore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.criu.CriuVersion;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.CriuRestore;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageStore;
import io.longshore.target.runtime.RecordingRuntime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a runtime is told, and when. CRIU is played by a script that calls its action script as CRIU
 * does and restores one process; that the real one does so is tested in lib/criu.
 */
@Timeout(60)
final class RestorationOfARuntimeTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Its root is a child that has its log open, as what CRIU restores has until it runs. */
  private static final String RESTORES =
      """
      #!/bin/sh
      for argument; do
        case $previous in
          --log-file) exec 3>"$argument" ;;
          --action-script) script=$argument ;;
        esac
        [ "$argument" = --of-the-runtime ] && told=yes
        previous=$argument
      done
      [ "$told" = yes ] || exit 4
      sleep 300 &
      root=$!
      act() {
        CRTOOLS_SCRIPT_ACTION=$1 CRTOOLS_INIT_PID=$root "$script" || { kill -9 $root; exit 1; }
      }
      act setup-namespaces
      act post-setup-namespaces
      act post-restore
      """;

  @TempDir Path work;
  private final PageStore pages = new PageStore(1 << 20);
  private final RecordingRuntime runtime = new RecordingRuntime();
  private CriuFolder folder;
  private Restoration restoration;

  @BeforeEach
  void make() throws Exception {
    folder = CriuFolder.create(work.resolve("m-1"));
    restoration =
        new Restoration(
            new Criu(criu(), new CriuVersion(4, 2, 1)),
            runtime.coming(),
            folder,
            pages,
            new Demands());
    pages.announce(Map.of(), 0);
    restoration.prepare();
  }

  @AfterEach
  void end() throws Exception {
    runtime.failing = null;
    pages.close();
  }

  @Test
  void isToldOfNamespacesAndOnceAllIsHeldBeforeAnythingRuns() throws Exception {
    restoration.start(PATIENCE);

    Member root = restoration.processes().getFirst();
    assertThat(runtime.calls)
        .containsExactly("place", "namespacesMade " + root.pid(), "held " + root.pid());
    restoration.abort();
    assertThat(runtime.calls).last().isEqualTo("remove");
    assertThat(root.isAlive()).isFalse();
  }

  @Test
  void whatIsRemovedIsDeadBefore() throws Exception {
    restoration.start(PATIENCE);
    runtime.failing = "remove";

    assertThatThrownBy(restoration::abort).hasMessage("remove fails");
    assertThat(CriuRestore.notLetRun(folder.work())).isEmpty();
    runtime.failing = null;
    restoration.abort();
    assertThat(runtime.calls).endsWith("remove", "remove");
  }

  @Test
  void whatItRefusesIsNotRestored() throws Exception {
    runtime.failing = "place";
    assertThatThrownBy(() -> restoration.start(PATIENCE)).hasMessage("place fails");
    restoration.abort();
    assertThat(runtime.calls).containsExactly("place", "remove");
  }

  private Path criu() throws IOException {
    Path program = work.resolve("criu");
    Files.writeString(program, RESTORES);
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    return program;
  }
}
