package io.longshore.criu.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.longshore.criu.image.ImageName;
import io.longshore.criu.image.RestoreStats;
import io.longshore.criu.pageserver.PageServer;
import io.longshore.criu.pageserver.PageServerClient;
import io.longshore.linux.ProcessFamily;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.linux.TracedThreads;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LazyMigrationTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int MEBIBYTES = 16;

  @TempDir Path folder;
  private Path images;
  private Path sourceWork;
  private Path targetWork;
  private Workload workload;
  private final List<CriuDump> dumps = new ArrayList<>();

  @BeforeEach
  void startWorkload() throws Exception {
    images = Files.createDirectory(folder.resolve("images"));
    sourceWork = Files.createDirectory(folder.resolve("source"));
    targetWork = Files.createDirectory(folder.resolve("target"));
    workload = Workload.start(folder, MEBIBYTES);
  }

  @AfterEach
  void killWorkload() throws Exception {
    // A tree under a dump cannot die.
    for (CriuDump dump : dumps) {
      dump.kill();
    }
    workload.kill();
  }

  static Stream<Criu> crius() {
    return Crius.both();
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aTreeLivesOnWithAllItsMemory(Criu criu) throws Exception {
    CriuDump dump =
        startDump(criu, DumpOptions.of(workload.pid(), images, sourceWork).withBarrier());
    dump.awaitHeld(PATIENCE);
    assertThat(workload.state()).as("still runs at the barrier").isEqualTo('S');
    assertThat(images).as("nothing written at the barrier").isEmptyDirectory();
    dump.go();
    dump.awaitReady(PATIENCE);
    assertThat(workload.state()).as("frozen when ready").isEqualTo('t');
    try (var files = Files.list(images)) {
      assertThat(files).allMatch(file -> file.toString().endsWith(".img")).isNotEmpty();
    }
    MemoryCopy copy = MemoryCopy.of(images);
    assertThat(copy.runs(workload.pid()).values().stream().mapToLong(ByteBuffer::limit).sum())
        .isGreaterThanOrEqualTo(MEBIBYTES << 20);
    dump.closePageServer(PATIENCE);
    awaitState('T');
    workload.killAndFreePids();

    CompletableFuture<Void> served;
    try (PageServer server = PageServer.listen(criu.headerLayout())) {
      LazyPages lazyPages = LazyPages.start(criu, images, targetWork, server.port());
      lazyPages.awaitReady(PATIENCE);
      CriuRestore restore = CriuRestore.start(criu, RestoreOptions.lazy(images, targetWork));
      served = serveInBackground(server, copy);
      assertThat(restore.awaitHeld(PATIENCE)).isEqualTo(workload.pid());
      Barrier again = Barrier.attach(targetWork, Barrier.Action.POST_RESTORE);
      assertThat(again.held()).contains(workload.pid());
      assertThat(again.answered()).isEmpty();
      assertThat(CriuRestore.notLetRun(targetWork))
          .extracting(Member::pid)
          .as("the tree, CRIU and its script")
          .contains(workload.pid(), restore.pid())
          .hasSize(4);
      List<Member> tree = ProcessFamily.below(workload.pid());
      restore.go();
      assertThat(restore.awaitExit(PATIENCE)).contains(0);
      assertThat(CriuRestore.fate(targetWork, tree)).isEqualTo(CriuRestore.Fate.RUNS);
      assertThat(CriuRestore.notLetRun(targetWork)).as("not let run yet").isEmpty();
      assertThat(restore.takeBack(ProcessFamily.below(workload.pid()))).isFalse();
      assertThat(again.answered()).contains(Barrier.Answer.GO);
      workload.assertMemoryIsRight();
      assertThat(lazyPages.exit().get(60, TimeUnit.SECONDS)).isZero();
    }
    served.get(60, TimeUnit.SECONDS);
    assertThat(copy.requests()).isGreaterThan(10);
    assertThat(RestoreStats.read(targetWork.resolve(ImageName.STATS_RESTORE.fileName())).restore())
        .isPositive();
  }

  @ParameterizedTest
  @MethodSource("crius")
  void criusOwnPageServerGivesWhatTheFrozenMemoryHolds(Criu criu) throws Exception {
    CriuDump dump = startDump(criu, DumpOptions.of(workload.pid(), images, sourceWork));
    dump.awaitReady(PATIENCE);
    MemoryCopy copy = MemoryCopy.of(images);
    PageServerClient client = PageServerClient.connect(dump.port(), criu.headerLayout());
    ByteBuffer target = ByteBuffer.allocate(16 * 4096);
    for (long pid : copy.pids()) {
      // Only where a pipe begins: pages further on take a larger fs.pipe-max-size, which is the
      // machine's to set.
      var run = copy.runs(pid).firstEntry();
      long pages = Math.min(16, run.getValue().limit() / 4096);
      client.request(pid, run.getKey(), pages);
      client.request(pid, run.getKey(), 1);
      long came = client.readPages(target.clear());
      assertThat(came).isBetween(1L, pages);
      assertThat(target.flip()).isEqualTo(copy.pages(pid, run.getKey(), came));
      assertThat(client.readPages(target.clear())).isEqualTo(1);
    }
    assertThat(client.close()).contains(0);
    assertThat(dump.exit().get(60, TimeUnit.SECONDS)).isZero();
    awaitState('T');
  }

  @ParameterizedTest
  @MethodSource("crius")
  void anAbortedDumpLetsTheTreeRunOn(Criu criu) throws Exception {
    CriuDump dump = startDump(criu, DumpOptions.of(workload.pid(), images, sourceWork));
    dump.awaitReady(PATIENCE);
    dump.abort(PATIENCE);
    assertThat(dump.exit().get(1, TimeUnit.SECONDS)).isNotZero();
    workload.assertMemoryIsRight();
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aDumpIsFoundAgainAndEndedAsByWhoStartedIt(Criu criu) throws Exception {
    assertThat(CriuDump.attach(sourceWork, criu.headerLayout())).isEmpty();
    CriuDump dump = startDump(criu, DumpOptions.of(workload.pid(), images, sourceWork));
    dump.awaitReady(PATIENCE);
    CriuDump again = CriuDump.attach(sourceWork, criu.headerLayout()).orElseThrow();
    assertThat(again.pid()).isEqualTo(dump.pid());
    assertThat(again.port()).isEqualTo(dump.port());
    assertThat(TracedThreads.notTracedBy(again.pid(), List.of(workload.pid()))).isEmpty();
    again.closePageServer(PATIENCE);
    assertThat(dump.exit().get(1, TimeUnit.SECONDS)).isZero();
    awaitState('T');
    assertThat(TracedThreads.notTracedBy(again.pid(), List.of(workload.pid()))).hasSize(2);
    assertThat(CriuDump.attach(sourceWork, criu.headerLayout())).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aDumpThatIsFoundAgainCanBeTurnedBack(Criu criu) throws Exception {
    CriuDump dump = startDump(criu, DumpOptions.of(workload.pid(), images, sourceWork));
    dump.awaitReady(PATIENCE);
    CriuDump.attach(sourceWork, criu.headerLayout()).orElseThrow().abort(PATIENCE);
    assertThat(dump.exit().get(1, TimeUnit.SECONDS)).isNotZero();
    workload.assertMemoryIsRight();
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aDumpKilledAtItsBarrierNeverTouchesTheTree(Criu criu) throws Exception {
    CriuDump dump =
        startDump(criu, DumpOptions.of(workload.pid(), images, sourceWork).withBarrier());
    dump.awaitHeld(PATIENCE);
    dump.kill();
    assertThat(dump.exit().get(1, TimeUnit.SECONDS)).isEqualTo(128 + SystemCalls.SIGKILL);
    workload.assertMemoryIsRight();
    assertThat(images).isEmptyDirectory();
    await()
        .atMost(PATIENCE)
        .until(() -> Set.copyOf(processesNaming(folder)).equals(Set.copyOf(treeOf(workload))));
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aCriuThatSomebodyElseKilledLeavesNothing(Criu criu) throws Exception {
    CriuDump dump =
        startDump(criu, DumpOptions.of(workload.pid(), images, sourceWork).withBarrier());
    dump.awaitHeld(PATIENCE);
    ProcessHandle killed =
        ProcessHandle.current()
            .children()
            .filter(child -> Workload.commandLine(child.pid()).contains(sourceWork.toString()))
            .findFirst()
            .orElseThrow();
    SystemCalls.signal(killed.pid(), SystemCalls.SIGKILL);
    assertThatThrownBy(() -> dump.awaitReady(PATIENCE)).isInstanceOf(CriuFailure.class);
    await()
        .atMost(PATIENCE)
        .until(() -> Set.copyOf(processesNaming(folder)).equals(Set.copyOf(treeOf(workload))));
    workload.assertMemoryIsRight();
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aDumpThatIsTooSlowIsKilledAndSaysSo(Criu criu) throws Exception {
    CriuDump dump =
        startDump(criu, DumpOptions.of(workload.pid(), images, sourceWork).withBarrier());
    assertThatThrownBy(() -> dump.awaitReady(Duration.ofMillis(300)))
        .isInstanceOf(CriuFailure.class)
        .hasMessageContaining("was not ready within 300 ms and was killed");
    workload.assertMemoryIsRight();
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aRestoreThatIsAbortedLeavesNothing(Criu criu) throws Exception {
    givenUp(criu, restore -> restore.abort(PATIENCE));
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aRestoreThatIsKilledLeavesNothing(Criu criu) throws Exception {
    givenUp(criu, CriuRestore::kill);
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aRestoreThatSomebodyElseKilledInTheHoldLeavesNothing(Criu criu) throws Exception {
    givenUp(
        criu,
        restore -> {
          SystemCalls.signal(restore.pid(), SystemCalls.SIGKILL);
          assertThat(restore.exit().get(10, TimeUnit.SECONDS)).isEqualTo(128 + SystemCalls.SIGKILL);
          assertThat(workload.state()).as("waits for nobody").isNotEqualTo('-');
          restore.abort(PATIENCE);
          assertThat(workload.state()).as("when it is aborted").isIn('Z', '-');
        });
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aRestoreThatIsHeldAndHasNoAgentAnyMoreNeverRan(Criu criu) throws Exception {
    givenUp(
        criu,
        restore -> {
          List<Member> tree = ProcessFamily.below(workload.pid());
          assertThat(CriuRestore.fate(targetWork, tree)).isEqualTo(CriuRestore.Fate.NEVER_RAN);
          // It was killed, so that no word that is on its way can reach it.
          assertThat(restore.exit().get(10, TimeUnit.SECONDS)).isNotZero();
          assertThat(CriuRestore.fate(targetWork, tree)).isEqualTo(CriuRestore.Fate.NEVER_RAN);
          restore.abort(PATIENCE);
          assertThat(workload.state()).isIn('Z', '-');
        });
  }

  @ParameterizedTest
  @MethodSource("crius")
  void whatACriuThatWasKilledDidNotLetRunIsTakenBack(Criu criu) throws Exception {
    givenUp(
        criu,
        restore -> {
          List<Member> tree = ProcessFamily.below(workload.pid());
          assertThat(restore.takeBack(tree)).as("CRIU holds it").isFalse();
          SystemCalls.signal(restore.pid(), SystemCalls.SIGKILL);
          restore.exit().get(10, TimeUnit.SECONDS);
          restore.go();
          assertThat(CriuRestore.fate(targetWork, tree)).isEqualTo(CriuRestore.Fate.NEVER_RAN);
          assertThat(restore.takeBack(tree)).isTrue();
          assertThat(workload.state()).isEqualTo('T');
          restore.abort(PATIENCE);
          assertThat(workload.state()).isIn('Z', '-');
        });
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aRestoreThatSomebodyElseKilledBeforeTheHoldLeavesNothing(Criu criu) throws Exception {
    CriuDump dump = startDump(criu, DumpOptions.of(workload.pid(), images, sourceWork));
    dump.awaitReady(PATIENCE);
    dump.closePageServer(PATIENCE);
    workload.killAndFreePids();
    // Whatever it is doing then.
    for (int delay = 0; delay < 50; delay += 12) {
      Files.deleteIfExists(targetWork.resolve("lazy-pages.socket"));
      try (LazyPagesSocket listening = LazyPagesSocket.listen(targetWork)) {
        CriuRestore restore = CriuRestore.start(criu, RestoreOptions.lazy(images, targetWork));
        Thread.sleep(delay);
        SystemCalls.signal(restore.pid(), SystemCalls.SIGKILL);
        restore.abort(PATIENCE);
        listening.stop();
      }
      assertThat(workload.state()).as("after %d ms", delay).isIn('Z', '-');
      awaitState('-');
      assertThat(processesNaming(folder)).isEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aRestoreWhosePidIsTakenFailsWithCriusOwnWords(Criu criu) throws Exception {
    CriuDump dump = startDump(criu, DumpOptions.of(workload.pid(), images, sourceWork));
    dump.awaitReady(PATIENCE);
    dump.closePageServer(PATIENCE);
    CriuRestore restore = CriuRestore.start(criu, RestoreOptions.eager(images, targetWork));
    assertThatThrownBy(() -> restore.awaitHeld(PATIENCE))
        .isInstanceOfSatisfying(
            CriuFailure.class,
            failure -> {
              assertThat(failure.action()).isEqualTo("restore");
              assertThat(failure.exitStatus()).hasValue(1);
              assertThat(failure.logLines())
                  .isNotEmpty()
                  .allMatch(line -> line.contains("Error (") || line.contains("Warn  ("));
              assertThat(failure).hasMessageContaining("File exists");
              assertThat(failure.log()).exists();
            });
  }

  private CriuDump startDump(Criu criu, DumpOptions options) throws Exception {
    CriuDump dump = CriuDump.start(criu, options);
    dumps.add(dump);
    return dump;
  }

  private interface GivingUp {
    void accept(CriuRestore restore) throws Exception;
  }

  private void givenUp(Criu criu, GivingUp how) throws Exception {
    CriuDump dump = startDump(criu, DumpOptions.of(workload.pid(), images, sourceWork));
    dump.awaitReady(PATIENCE);
    MemoryCopy copy = MemoryCopy.of(images);
    dump.closePageServer(PATIENCE);
    workload.killAndFreePids();
    try (PageServer server = PageServer.listen(criu.headerLayout())) {
      LazyPages lazyPages = LazyPages.start(criu, images, targetWork, server.port());
      lazyPages.awaitReady(PATIENCE);
      CriuRestore restore = CriuRestore.start(criu, RestoreOptions.lazy(images, targetWork));
      CompletableFuture<Void> served = serveInBackground(server, copy);
      restore.awaitHeld(PATIENCE);
      assertThat(workload.state()).isNotEqualTo('-');
      how.accept(restore);
      assertThat(restore.exit().get(1, TimeUnit.SECONDS)).isNotZero();
      // It asks to close although it fails: only its exit status tells.
      assertThat(lazyPages.exit().get(10, TimeUnit.SECONDS)).isNotZero();
      assertThat(served).succeedsWithin(PATIENCE);
    }
    await().atMost(PATIENCE).until(() -> processesNaming(folder).isEmpty());
    awaitState('-');
  }

  private void awaitState(char expected) {
    await().atMost(PATIENCE).until(() -> workload.state() == expected);
  }

  private static CompletableFuture<Void> serveInBackground(PageServer server, MemoryCopy copy) {
    CompletableFuture<Void> served = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                copy.serve(server.accept());
                served.complete(null);
              } catch (Exception failure) {
                served.completeExceptionally(failure);
              }
            });
    return served;
  }

  private static List<Long> treeOf(Workload workload) {
    ProcessHandle root = ProcessHandle.of(workload.pid()).orElseThrow();
    return Stream.concat(Stream.of(root), root.descendants()).map(ProcessHandle::pid).toList();
  }

  /** Processes whose command line names a folder. */
  private static List<Long> processesNaming(Path folder) {
    return ProcessHandle.allProcesses()
        .filter(process -> Workload.commandLine(process.pid()).contains(folder.toString()))
        .map(ProcessHandle::pid)
        .toList();
  }
}
