package io.longshore.target.restore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.longshore.criu.CriuVersion;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFolder;
import io.longshore.linux.Pidfd;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageStore;
import java.nio.file.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Nothing is let run whose missing pages nobody would keep. With a real keeper. */
@Timeout(60)
final class RestorationTest {
  @TempDir Path work;
  private final PageStore pages = new PageStore(1 << 20);
  private CriuFolder folder;
  private Restoration restoration;

  @BeforeEach
  void make() throws Exception {
    folder = CriuFolder.create(work.resolve("m-1"));
    restoration =
        new Restoration(
            new Criu(Path.of("/none"), new CriuVersion(4, 2, 1)), folder, pages, new Demands());
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

  private static void assertRefused(String why, ThrowingCallable order) {
    LongshoreException refused = catchThrowableOfType(LongshoreException.class, order);
    assertThat(refused).isNotNull().hasMessageContaining(why);
    assertThat(refused.reason()).isEqualTo(Reason.CRIU_RESTORE_FAILED);
  }
}
