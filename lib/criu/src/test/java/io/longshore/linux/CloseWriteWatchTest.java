package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.OutputStream;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CloseWriteWatchTest {
  private static final Duration LONG = Duration.ofSeconds(5);

  @TempDir Path folder;

  @Test
  void tellsAFileWhenItIsClosedNotWhenItIsWritten() throws Exception {
    try (CloseWriteWatch watch = CloseWriteWatch.of(folder)) {
      try (OutputStream file = Files.newOutputStream(folder.resolve("pages-1.img"))) {
        file.write(1);
        assertThat(watch.next(Duration.ofMillis(50))).isEmpty();
      }
      assertThat(watch.next(LONG)).containsExactly("pages-1.img");
      assertThat(watch.next(Duration.ZERO)).isEmpty();
    }
  }

  @Test
  void tellsFilesThatAreMovedIn() throws Exception {
    Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
    Files.write(elsewhere.resolve("a"), new byte[1]);
    try (CloseWriteWatch watch = CloseWriteWatch.of(folder)) {
      Files.move(elsewhere.resolve("a"), folder.resolve("b"));
      assertThat(watch.next(LONG)).containsExactly("b");
    }
  }

  @Test
  void keepsTheOrderOfManyFiles() throws Exception {
    try (CloseWriteWatch watch = CloseWriteWatch.of(folder)) {
      List<String> written = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        written.add("file-with-a-longer-name-" + i);
        Files.write(folder.resolve(written.get(i)), new byte[0]);
      }
      List<String> told = new ArrayList<>();
      while (told.size() < written.size()) {
        List<String> next = watch.next(LONG);
        assertThat(next).isNotEmpty();
        told.addAll(next);
      }
      assertThat(told).isEqualTo(written);
    }
  }

  @Test
  void closingWakesAWaitingThread() throws Exception {
    CloseWriteWatch watch = CloseWriteWatch.of(folder);
    CompletableFuture<Throwable> outcome = new CompletableFuture<>();
    Thread waiting =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    outcome.complete(
                        new AssertionError("told " + watch.next(Duration.ofMinutes(5))));
                  } catch (Exception e) {
                    outcome.complete(e);
                  }
                });
    while (waiting.getState() == Thread.State.NEW) {
      Thread.onSpinWait();
    }
    assertThatThrownBy(() -> outcome.get(50, TimeUnit.MILLISECONDS))
        .isInstanceOf(java.util.concurrent.TimeoutException.class);
    watch.close();
    assertThat(outcome.get(5, TimeUnit.SECONDS)).isInstanceOf(ClosedChannelException.class);
    assertThatThrownBy(() -> watch.next(LONG)).isInstanceOf(ClosedChannelException.class);
    watch.close();
  }

  @Test
  void saysThatTheDirectoryIsMissingOrRemoved() throws Exception {
    Path gone = folder.resolve("gone");
    assertThatThrownBy(() -> CloseWriteWatch.of(gone).close())
        .isInstanceOf(SystemCallException.class)
        .hasMessageContaining("inotify_add_watch(" + gone + ")")
        .hasMessageContaining("ENOENT");
    Files.createDirectory(gone);
    try (CloseWriteWatch watch = CloseWriteWatch.of(gone)) {
      Files.delete(gone);
      assertThatThrownBy(() -> watch.next(LONG)).hasMessageContaining("has been removed");
    }
  }
}
