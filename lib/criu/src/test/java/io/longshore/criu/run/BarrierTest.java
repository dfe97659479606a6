package io.longshore.criu.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script itself, started as CRIU starts it. */
class BarrierTest {

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir Path work;
  private Barrier barrier;
  private final List<Process> scripts = new ArrayList<>();

  @BeforeEach
  void build() throws Exception {
    barrier = Barrier.create(work, Barrier.Action.POST_RESTORE);
  }

  @AfterEach
  void killScripts() {
    scripts.forEach(Process::destroyForcibly);
  }

  @Test
  void onlyItsOwnerMayAnswer() throws Exception {
    assertThat(permissions(barrier.folder())).isEqualTo("rwx------");
    assertThat(permissions(barrier.script())).isEqualTo("rwx------");
    assertThat(permissions(barrier.folder().resolve("post-restore.answer"))).isEqualTo("rw-------");
  }

  @Test
  void otherActionsPassAtOnce() throws Exception {
    for (String action : new String[] {"pre-restore", "network-unlock", "post-resume"}) {
      Process script = run(action);
      assertThat(script.waitFor(10, TimeUnit.SECONDS)).isTrue();
      assertThat(script.exitValue()).isZero();
    }
    assertThat(barrier.held()).isEmpty();
  }

  @Test
  void itHoldsUntilGo() throws Exception {
    Process script = runUntilHeld();
    assertThat(barrier.held()).contains(4242);
    assertThat(barrier.answered()).isEmpty();
    assertThat(script.isAlive()).isTrue();
    barrier.answer(Barrier.Answer.GO);
    assertThat(script.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(script.exitValue()).isZero();
    assertThat(barrier.answered()).contains(Barrier.Answer.GO);
  }

  @Test
  void abortMakesItFail() throws Exception {
    Process script = runUntilHeld();
    barrier.answer(Barrier.Answer.ABORT);
    assertThat(script.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(script.exitValue()).isEqualTo(1);
    assertThat(barrier.answered()).contains(Barrier.Answer.ABORT);
  }

  @Test
  void theFirstAnswerCounts() throws Exception {
    Process script = runUntilHeld();
    barrier.answer(Barrier.Answer.GO);
    barrier.answer(Barrier.Answer.ABORT);
    assertThat(script.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(script.exitValue()).isZero();
    barrier.answer(Barrier.Answer.ABORT);
    assertThat(barrier.answered()).contains(Barrier.Answer.GO);
  }

  @Test
  void anAgentThatDiesGivesNoAnswerAndTheNextOneCan() throws Exception {
    Process script = runUntilHeld();
    for (String unfinished : new String[] {"", "g", "\n", "goo\n", "no\n"}) {
      try (FileChannel fifo =
          FileChannel.open(
              barrier.folder().resolve("post-restore.answer"), StandardOpenOption.WRITE)) {
        fifo.write(ByteBuffer.wrap(unfinished.getBytes(StandardCharsets.UTF_8)));
      }
    }
    assertThat(script.waitFor(300, TimeUnit.MILLISECONDS)).isFalse();
    Barrier next = Barrier.attach(work, Barrier.Action.POST_RESTORE);
    assertThat(next.held()).contains(4242);
    next.answer(Barrier.Answer.GO);
    assertThat(script.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(script.exitValue()).isZero();
  }

  @Test
  void anAnswerToNobodyIsRefused() {
    assertThatThrownBy(() -> barrier.answer(Barrier.Answer.GO))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> Barrier.attach(work, Barrier.Action.PRE_DUMP))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("no barrier was built at pre-dump");
  }

  @Test
  void aNewBarrierForgetsTheOldOne() throws Exception {
    runUntilHeld();
    barrier.answer(Barrier.Answer.GO);
    await().atMost(PATIENCE).until(() -> barrier.answered().isPresent());
    Barrier again = Barrier.create(work, Barrier.Action.POST_RESTORE);
    assertThat(again.held()).isEmpty();
    assertThat(again.answered()).isEmpty();
  }

  @Test
  void aWatchTellsWhenItIsReachedAndWhenItNeverWillBe() throws Exception {
    try (BarrierWatch watch = new BarrierWatch(barrier)) {
      CompletableFuture<Integer> held = watch.held(new CompletableFuture<>());
      assertThat(held).isNotDone();
      run("post-restore");
      assertThat(held.get(10, TimeUnit.SECONDS)).isEqualTo(4242);
    }
    Barrier other = Barrier.create(work, Barrier.Action.PRE_DUMP);
    try (BarrierWatch watch = new BarrierWatch(other)) {
      assertThat(watch.held(CompletableFuture.completedFuture(1)))
          .failsWithin(PATIENCE)
          .withThrowableThat()
          .withMessageContaining("CRIU ended before it came to its barrier");
    }
  }

  private Process runUntilHeld() throws Exception {
    Process script = run("post-restore");
    await().atMost(PATIENCE).until(() -> barrier.held().isPresent());
    return script;
  }

  private Process run(String action) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(barrier.script().toString())
            .redirectInput(new File("/dev/null"))
            .redirectErrorStream(true)
            .redirectOutput(work.resolve("script.out").toFile());
    builder.environment().put("CRTOOLS_SCRIPT_ACTION", action);
    builder.environment().put("CRTOOLS_INIT_PID", "4242");
    Process script = builder.start();
    scripts.add(script);
    return script;
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }
}
