package io.longshore.agent.runc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.longshore.criu.rpc.CriuOptionsOfRunc;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuDump;
import io.longshore.criu.run.CriuFailure;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.CriuRestore;
import io.longshore.criu.run.DumpOptions;
import io.longshore.criu.run.LazyPagesSocket;
import io.longshore.criu.run.LazyPagesSocket.Word;
import io.longshore.criu.run.RestoreOptions;
import io.longshore.linux.ProcessFamily;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.linux.Userfaultfd;
import io.longshore.linux.Userfaultfd.Event;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * CRIU fails after it was told to let a container run, because who was to fill its memory is gone.
 * It kills what it has restored, and in a pid namespace it waits for ever then.
 */
@Timeout(120)
class FailedResumeTest {
  private static final Duration PATIENCE = TestContainer.PATIENCE;

  @TempDir Path folder;
  private final List<Userfaultfd> memories = new CopyOnWriteArrayList<>();
  private TestContainer container;
  private CriuFolder migration;
  private RuncRestore standing;
  private @Nullable CriuRestore restore;
  private List<Member> tree = List.of();

  @BeforeEach
  void letItFail() throws Exception {
    Criu criu = TestContainer.criu();
    container = TestContainer.make(folder, config -> {});
    container.run();
    migration = CriuFolder.create(folder.resolve("migration"));
    RuncCheckpoint checkpoint =
        RuncCheckpoint.ask(
            container.runc(), criu, migration.path().resolve("checkpoint"), container.id());
    CriuDump dump =
        CriuDump.start(
            criu,
            DumpOptions.of(container.pid(), migration.images(), migration.work())
                .withExtra(CriuOptionsOfRunc.dump(checkpoint.request(), OptionalLong.empty())));
    dump.awaitReady(PATIENCE);
    dump.closePageServer(PATIENCE);
    container.runc().deleteForcibly(container.id());
    standing =
        RuncRestore.start(
            container.runc(),
            criu,
            migration.path().resolve("restore"),
            container.order(checkpoint));
    Thread filler = Thread.ofPlatform().start(this::fillWithZeros);
    try (LazyPagesSocket socket = LazyPagesSocket.listen(migration.work())) {
      Thread receiver = Thread.ofPlatform().start(() -> receive(socket));
      CriuRestore held =
          CriuRestore.start(
              criu,
              RestoreOptions.lazy(migration.images(), migration.work())
                  .in(standing.place(Optional.empty())));
      restore = held;
      standing.namespacesMade(held.awaitNamespaces(PATIENCE));
      held.goOn();
      int root = held.awaitHeld(PATIENCE);
      standing.held(root);
      tree = ProcessFamily.below(root);
      socket.stop();
      receiver.join();
    } finally {
      filler.interrupt();
      filler.join();
    }
    restore.go();
    assertThat(tree).as("a root and a child").hasSizeGreaterThan(1);
    await().atMost(PATIENCE).until(() -> tree.getFirst().isEnding());
  }

  @AfterEach
  void removeAll() throws Exception {
    if (restore != null && !restore.exit().isDone()) {
      restore.kill();
    }
    memories.forEach(Userfaultfd::close);
    standing.abort("the test is over");
    container.remove();
  }

  @Test
  void isNoticedByWhoLetItGo() throws Exception {
    CriuRestore failed = Objects.requireNonNull(restore);

    assertThatThrownBy(() -> failed.awaitExit(Duration.ofSeconds(30)))
        .isInstanceOf(CriuFailure.class)
        .hasMessageContaining("failed after it was let go");

    assertThat(failed.takeBack(tree)).isFalse();
    assertNobodyIsLeft();
  }

  @Test
  void isNoticedByTheNextAgent() throws Exception {
    assertThat(CriuRestore.fate(migration.work(), tree)).isEqualTo(CriuRestore.Fate.RAN_IN_PART);

    assertNobodyIsLeft();
  }

  private void assertNobodyIsLeft() {
    for (Member member : tree) {
      await().atMost(PATIENCE).until(() -> !member.isAlive());
    }
  }

  /** What the restore itself needs; none of it ever runs. */
  private void fillWithZeros() {
    try {
      while (!Thread.interrupted()) {
        for (Userfaultfd memory : memories) {
          for (Event event : memory.readEvents()) {
            if (event instanceof Event.Fault(long address)) {
              memory.zero(address & -4096, 4096);
            }
          }
        }
        Thread.sleep(1);
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      // Held: nothing waits any more.
    }
  }

  private void receive(LazyPagesSocket socket) {
    try {
      Optional<Word> word = socket.next();
      while (word.isPresent()) {
        if (word.get() instanceof Word.Memory(int _, Userfaultfd memory)) {
          memories.add(memory);
        }
        word = socket.next();
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
