package io.longshore.target.restore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.longshore.criu.CriuVersion;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.CriuRestore;
import io.longshore.linux.Pidfd;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageRange;
import io.longshore.target.pages.PageStore;
import io.longshore.target.runtime.PlainProcesses;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Nothing is let run whose missing pages nobody would keep. With a real keeper. */
@Timeout(60)
final class RestorationTest {
  private static final Duration PATIENCE = Duration.ofMillis(500);

  /** Restores nothing: waits for a page that does not come, and its log is open in what it made. */
  private static final String WAITS =
      """
      #!/bin/sh
      while [ "$1" != --log-file ]; do shift; done
      cd "${0%/*}/m-1/work" && exec 3>"$2" && sleep 300
      """;

  @TempDir Path work;
  private final PageStore pages = new PageStore(1 << 20);
  private final Demands demands = new Demands();
  private final Demands.Sender way = (vpid, firstPage, count, again) -> {};
  private CriuFolder folder;
  private Restoration restoration;

  @BeforeEach
  void make() throws Exception {
    folder = CriuFolder.create(work.resolve("m-1"));
    restoration =
        new Restoration(
            new Criu(criu(), new CriuVersion(4, 2, 1)), PlainProcesses.ANY, folder, pages, demands);
  }

  @AfterEach
  void end() throws Exception {
    restoration.abort();
    pages.close();
  }

  @Test
  void refusesIfTheKeeperCannotBeStarted() throws Exception {
    folder.delete();
    assertRefused("cannot be started", restoration::prepare);
  }

  @Test
  void refusesIfTheKeeperHasEnded() throws Exception {
    Member keeper = restoration.prepare();
    assertThat(restoration.prepare()).isEqualTo(keeper);
    restoration.requireFillable();
    try (Pidfd process = Pidfd.open(keeper.pid())) {
      process.signal(Pidfd.SIGKILL);
    }
    await().until(() -> !keeper.isAlive());
    await()
        .untilAsserted(
            () ->
                assertRefused(
                    "process %d, has ended".formatted(keeper.pid()), restoration::requireFillable));
  }

  @Test
  void theKeeperEndsWithAnAbort() throws Exception {
    Member keeper = restoration.prepare();
    restoration.abort();
    assertThat(keeper.isAlive()).isFalse();
    LongshoreException refused =
        catchThrowableOfType(LongshoreException.class, restoration::prepare);
    assertThat(refused.reason()).isEqualTo(Reason.CANCELLED);
  }

  @Test
  void isGivenUpWhenTheLinkIsCutForTooLong() throws Exception {
    CompletableFuture<LongshoreException> refused = restoreWithAMissingPage();
    demands.disconnect(way);
    assertThat(refused).succeedsWithin(Duration.ofSeconds(20));
    assertThat(refused.join().reason()).isEqualTo(Reason.LINK_CUT);
    assertThat(CriuRestore.notLetRun(folder.work())).as("what it had made").isEmpty();
    LongshoreException again =
        catchThrowableOfType(LongshoreException.class, restoration::requireFillable);
    assertThat(again.reason()).as("asked once more").isEqualTo(Reason.LINK_CUT);
  }

  @Test
  void goesOnWhenTheLinkComesBackInTime() throws Exception {
    CompletableFuture<LongshoreException> refused = restoreWithAMissingPage();
    demands.disconnect(way);
    Thread.sleep(PATIENCE.dividedBy(2));
    demands.connect(way);
    Thread.sleep(PATIENCE.multipliedBy(3));
    assertThat(refused).isNotDone();
    assertThat(CriuRestore.notLetRun(folder.work())).isNotEmpty();
    restoration.abort();
    assertThat(refused).succeedsWithin(Duration.ofSeconds(20));
    assertThat(refused.join().reason()).isEqualTo(Reason.CANCELLED);
  }

  /** Completes with why it failed; returns when CRIU waits. */
  private CompletableFuture<LongshoreException> restoreWithAMissingPage() {
    pages.announce(Map.of(77, List.of(new PageRange(1, 1))), 0);
    demands.connect(way);
    restoration.prepare();
    CompletableFuture<LongshoreException> refused =
        CompletableFuture.supplyAsync(
            () ->
                catchThrowableOfType(LongshoreException.class, () -> restoration.start(PATIENCE)));
    await().until(() -> CriuRestore.notLetRun(folder.work()).size() > 1);
    return refused;
  }

  private Path criu() throws IOException {
    Path program = work.resolve("criu");
    Files.writeString(program, WAITS);
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    return program;
  }

  private static void assertRefused(String why, ThrowingCallable order) {
    LongshoreException refused = catchThrowableOfType(LongshoreException.class, order);
    assertThat(refused).isNotNull().hasMessageContaining(why);
    assertThat(refused.reason()).isEqualTo(Reason.CRIU_RESTORE_FAILED);
  }
}
