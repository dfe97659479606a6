package io.longshore.target.arrival;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.runtime.WorkloadName;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.criu.run.CriuFolder;
import io.longshore.linux.ProcessFamily;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.pages.DemandFaults;
import io.longshore.target.restore.Keeper;
import io.longshore.target.runtime.PlainProcesses;
import io.longshore.target.runtime.RecordingRuntime;
import io.longshore.target.runtime.TargetRuntimes;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an agent finds that was restarted, with real processes and a real keeper. */
@Timeout(60)
final class FoundCopiesTest {
  private static final MigrationRef REF = new MigrationRef("found", 3);
  private static final MigrationRef NEWER = new MigrationRef("found", 4);

  /**
   * A session of its own with two children, a grandchild, and one whose parent has ended. Tells all
   * pids but its own.
   */
  private static final String TREE =
      """
      sleep 300 &
      echo $!
      sh -c 'sleep 300 & echo $!; wait' &
      echo $!
      sh -c 'sleep 300 & echo $!'
      wait
      """;

  private static final int TREE_SIZE = 5;

  @TempDir Path work;
  private CriuFolder folder;
  private Process root;
  private ArrivalNotes notes;
  private Keeper keeper;
  private final List<Member> tree = new ArrayList<>();
  private final RecordingRuntime runtime = new RecordingRuntime();
  private final Arrivals arrivals = new Arrivals(factory());

  @BeforeEach
  void startWhatTheAgentLeaves() throws Exception {
    root = new ProcessBuilder("setsid", "sh", "-c", TREE).start();
    tree.add(Member.of((int) root.pid()));
    BufferedReader pids = root.inputReader(StandardCharsets.UTF_8);
    while (tree.size() < TREE_SIZE) {
      tree.add(Member.of(Integer.parseInt(pids.readLine())));
    }
    folder = CriuFolder.create(work.resolve(REF.id()));
    notes = ArrivalNotes.begin(folder.path(), REF, RuntimeRecord.ofProcess(0));
    keeper = Keeper.start(folder.work());
    notes.keepers(List.of(keeper.member()));
  }

  @AfterEach
  void end() throws Exception {
    keeper.release();
    new ProcessFamily(tree).kill(Duration.ofSeconds(10));
  }

  @Test
  void whatWasLetRunIsKeptAndTakesNoOrders() throws Exception {
    notes.held(restored());
    notes.resumed();
    agentEndsAndTheNextStarts();
    assertThat(arrivals.get(NEWER).phase()).isEqualTo(Phase.STRANDED);
    for (ThrowingCallable order :
        List.<ThrowingCallable>of(
            () -> arrivals.get(NEWER).restore(Duration.ZERO),
            () -> arrivals.get(NEWER).resume(),
            () -> arrivals.get(NEWER).complete(false),
            () -> arrivals.get(NEWER).pages(),
            () -> arrivals.open(REF.id(), 4, new byte[32]))) {
      LongshoreException refused = catchThrowableOfType(LongshoreException.class, order);
      assertThat(refused.reason()).isEqualTo(Reason.WRONG_PHASE);
      assertThat(refused).hasMessageContaining("longshore resolve found");
    }
    assertRefused(Reason.ALREADY_RESUMED, () -> arrivals.abort(NEWER, false));
    assertRefused(Reason.STALE_EPOCH, () -> arrivals.abort(new MigrationRef("found", 2), true));
    assertThat(arrivals.get(NEWER).phase()).isEqualTo(Phase.STRANDED);
    assertThat(tree).allMatch(FoundCopiesTest::isAlive);
    assertThat(isAlive(keeper.member())).isTrue();
    assertThat(folder.work()).isDirectory();
  }

  @Test
  void whatWasLetRunEndsWholeWhenItIsAbandoned() throws Exception {
    notes.held(restored());
    notes.resumed();
    agentEndsAndTheNextStarts();
    arrivals.abort(NEWER, true);
    assertNothingIsLeft();
    arrivals.abort(NEWER, true);
    arrivals.abort(NEWER, false);
    assertThat(arrivals.get(NEWER).phase()).isEqualTo(Phase.ABORTED);
    assertRefused(Reason.WRONG_PHASE, () -> arrivals.get(NEWER).resume());
  }

  @Test
  void whatWasEndedForWantOfPagesIsNotTakenForOneThatEndedByItself() throws Exception {
    notes.held(restored());
    notes.resumed();
    notes.broken();
    new ProcessFamily(tree).kill(Duration.ofSeconds(10));
    agentEndsAndTheNextStarts();
    assertThat(arrivals.get(NEWER).phase()).isEqualTo(Phase.STRANDED);
    assertRefused(Reason.WRONG_PHASE, () -> arrivals.get(NEWER).resume());
    assertRefused(Reason.WRONG_PHASE, () -> arrivals.get(NEWER).complete(false));
    assertRefused(Reason.ALREADY_RESUMED, () -> arrivals.abort(NEWER, false));
    arrivals.abort(NEWER, true);
    assertNothingIsLeft();
  }

  @Test
  void whatIsLeftOfItEndsWhenItsRootIsGone() throws Exception {
    notes.held(restored());
    notes.resumed();
    root.destroyForcibly().waitFor();
    agentEndsAndTheNextStarts();
    arrivals.abort(NEWER, true);
    assertNothingIsLeft();
  }

  @Test
  void aProcessThatHasAPidOfItNowIsNotTouched() throws Exception {
    notes.held(
        tree.stream().map(member -> new Member(member.pid(), member.startTime() + 1)).toList());
    notes.resumed();
    agentEndsAndTheNextStarts();
    arrivals.abort(NEWER, true);
    assertThat(tree).allMatch(FoundCopiesTest::isAlive);
    assertThat(folder.path()).doesNotExist();
  }

  @Test
  void itIsLostWhenTheSourceIsGoneToo() throws Exception {
    notes.held(restored());
    notes.resumed();
    agentEndsAndTheNextStarts();
    assertRefused(Reason.WORKLOAD_LOST, () -> arrivals.get(NEWER).complete(true));
    assertNothingIsLeft();
    assertThat(arrivals.get(NEWER).phase()).isEqualTo(Phase.LOST);
    assertRefused(Reason.WORKLOAD_LOST, () -> arrivals.get(NEWER).complete(true));
  }

  @Test
  void whatHasEveryPageIsCompleted() throws Exception {
    notes.held(restored());
    notes.resumed();
    notes.filled();
    agentEndsAndTheNextStarts();
    // Nobody would read of a fork.
    assertThat(isAlive(keeper.member())).isFalse();
    assertThat(arrivals.get(NEWER).resume()).isEqualTo((int) root.pid());
    assertThat(arrivals.get(NEWER).complete(false)).isEqualTo(DemandFaults.NONE);
    assertThat(arrivals.get(NEWER).complete(true)).isEqualTo(DemandFaults.NONE);
    assertThat(folder.path()).doesNotExist();
    assertThat(tree).allMatch(FoundCopiesTest::isAlive);
  }

  @Test
  void whatWasFilledBeforeItWasLetRunIsNotTakenForRunning() throws Exception {
    notes.filled();
    agentEndsAndTheNextStarts();
    assertThat(arrivals.get(NEWER).phase()).isEqualTo(Phase.ABORTED);
  }

  @Test
  void whatCriuWasNotToldToLetRunNeverRanWhateverIsWritten() throws Exception {
    heldByCriu("");
    notes.held(restored());
    notes.resumed();
    notes.filled();
    assertEndedAsNeverRun();
  }

  @Test
  void whatACriuThatWasKilledDidNotLetRunNeverRanWhateverIsWritten() throws Exception {
    replaceTree("sleep 300 & echo $!; wait");
    heldByCriu("go\n");
    notes.held(restored());
    notes.resumed();
    notes.filled();
    assertEndedAsNeverRun();
  }

  @Test
  void whatACriuThatWasKilledLetRunInPartIsNotTakenForRunning() throws Exception {
    replaceTree("sleep 300 9>&- & echo $!; wait");
    heldByCriu("go\n");
    notes.held(restored());
    notes.resumed();
    notes.filled();
    agentEndsAndTheNextStarts();
    assertThat(arrivals.get(NEWER).phase()).isEqualTo(Phase.STRANDED);
    assertThat(tree).allMatch(FoundCopiesTest::isAlive);
    assertThat(isAlive(keeper.member())).isTrue();
    arrivals.abort(NEWER, true);
    assertThat(tree).noneMatch(FoundCopiesTest::isAlive);
  }

  @Test
  void howItEndedIsKnownToTheAgentAfterTheNext() throws Exception {
    heldByCriu("");
    notes.held(restored());
    assertEndedAsNeverRun();
    Arrivals later = new Arrivals(factory());
    later.start();
    assertRefused(Reason.CRIU_RESTORE_FAILED, () -> later.get(NEWER).resume());
    later.abort(NEWER, false);
  }

  @Test
  void whatWasBeingRemovedWhenItWasCompleteIsNotEnded() throws Exception {
    heldByCriu("go\n");
    notes.held(restored());
    notes.resumed();
    notes.filled();
    notes.over(true);
    // The first files to go.
    Files.delete(folder.work().resolve("barrier/post-restore.answered"));
    agentEndsAndTheNextStarts();
    assertThat(tree).allMatch(FoundCopiesTest::isAlive);
    assertThat(folder.path()).doesNotExist();
    assertThat(arrivals.get(NEWER).complete(false)).isEqualTo(DemandFaults.NONE);
    assertRefused(Reason.ALREADY_RESUMED, () -> arrivals.abort(NEWER, true));
    Arrivals later = new Arrivals(factory());
    later.start();
    assertThat(later.get(NEWER).complete(false)).isEqualTo(DemandFaults.NONE);
  }

  @Test
  void whatWasBeingRemovedWhenItHadNeverRunIsNotTakenForRunning() throws Exception {
    notes.held(restored());
    notes.resumed();
    notes.filled();
    notes.over(false);
    // The barrier is gone already, and what is left looks like a copy that runs.
    assertEndedAsNeverRun();
  }

  @Test
  void whatNeverRanIsEndedAtTheStart() throws Exception {
    Process restoring =
        new ProcessBuilder("setsid", "sh", "-c", "sleep 300 & wait", folder.work() + "/restore")
            .start();
    await().until(() -> restoring.descendants().count() == 1);
    List<Member> restored = ProcessFamily.below((int) restoring.pid());
    agentEndsAndTheNextStarts();
    assertThat(restored).hasSize(2).noneMatch(FoundCopiesTest::isAlive);
    assertThat(isAlive(keeper.member())).isFalse();
    assertThat(folder.path()).doesNotExist();
    assertRefused(Reason.WRONG_PHASE, () -> arrivals.get(NEWER).restore(Duration.ZERO));
    arrivals.abort(NEWER, false);
    // It had nothing to do with these.
    assertThat(tree).allMatch(FoundCopiesTest::isAlive);
  }

  @Test
  void whatCannotBeUnderstoodIsNotTouched() throws Exception {
    notes.held(restored());
    notes.resumed();
    Files.writeString(folder.path().resolve("found.journal"), "nonsense");
    agentEndsAndTheNextStarts();
    assertRefused(Reason.WRONG_PHASE, () -> arrivals.get(NEWER).resume());
    assertRefused(Reason.ALREADY_RESUMED, () -> arrivals.abort(NEWER, false));
    assertRefused(Reason.JOURNAL_FAILED, () -> arrivals.abort(NEWER, true));
    assertThat(tree).allMatch(FoundCopiesTest::isAlive);
    assertThat(isAlive(keeper.member())).isTrue();
  }

  @Test
  void whatNeverRanIsRemovedFromItsRuntime() throws Exception {
    ofRuntime(runtime.coming().record());
    agentEndsAndTheNextStarts();
    assertThat(runtime.calls).containsExactly("takeUp {key=value}", "remove");
    assertThat(folder.path()).doesNotExist();
  }

  @Test
  void whatItsRuntimeCannotRemoveYetIsRemovedWhenItIsOrdered() throws Exception {
    ofRuntime(runtime.coming().record());
    runtime.failing = "remove";
    agentEndsAndTheNextStarts();
    assertThat(folder.path()).isDirectory();
    runtime.failing = null;
    arrivals.abort(NEWER, false);
    assertThat(runtime.calls).containsExactly("takeUp {key=value}", "remove", "remove");
    assertThat(folder.path()).doesNotExist();
  }

  @Test
  void itsRuntimeHearsThatItRuns() throws Exception {
    ofRuntime(runtime.coming().record());
    notes.held(restored());
    notes.resumed();
    notes.filled();
    agentEndsAndTheNextStarts();
    assertThat(runtime.calls).containsExactly("takeUp {key=value}", "running");
    arrivals.abort(NEWER, true);
    assertThat(runtime.calls).last().isEqualTo("remove");
  }

  @Test
  void whoseRuntimeIsGoneIsNotTouched() throws Exception {
    ofRuntime(new RuntimeRecord(new WorkloadName("gone", "web-1"), new TreeMap<>()));
    notes.held(restored());
    agentEndsAndTheNextStarts();
    assertThat(arrivals.get(NEWER).phase()).isEqualTo(Phase.STRANDED);
    assertRefused(Reason.JOURNAL_FAILED, () -> arrivals.abort(NEWER, true));
    assertThat(folder.path()).isDirectory();
    assertThat(tree).allMatch(FoundCopiesTest::isAlive);
  }

  private void ofRuntime(RuntimeRecord record) {
    notes.close();
    notes = ArrivalNotes.begin(folder.path(), REF, record);
    notes.keepers(List.of(keeper.member()));
  }

  private ArrivalFactory factory() {
    return new ArrivalFactory() {
      @Override
      public Arrival create(MigrationRef ref, WorkloadFacts facts, long promisedBytes) {
        throw new AssertionError("nothing is created");
      }

      @Override
      public List<Arrival> takeUp() throws IOException {
        return FoundCopies.takeUp(work, new TargetRuntimes(List.of(new PlainProcesses(), runtime)));
      }
    };
  }

  /** As a restore leaves its barrier. */
  private void heldByCriu(String answered) throws IOException {
    Path barrier = Files.createDirectory(folder.work().resolve("barrier"));
    Files.writeString(barrier.resolve("post-restore.answer"), "");
    Files.writeString(barrier.resolve("post-restore.held"), root.pid() + "\n");
    Files.writeString(barrier.resolve("post-restore.answered"), answered);
  }

  /** By a root with one child, whose pid it tells; they have CRIU's log open as descriptor 9. */
  private void replaceTree(String script) throws IOException {
    new ProcessFamily(tree).kill(Duration.ofSeconds(10));
    tree.clear();
    root =
        new ProcessBuilder(
                "setsid", "sh", "-c", "exec 9>>\"$0\"; " + script, folder.work() + "/restore.log")
            .start();
    tree.add(Member.of((int) root.pid()));
    tree.add(Member.of(Integer.parseInt(root.inputReader(StandardCharsets.UTF_8).readLine())));
  }

  private void assertEndedAsNeverRun() throws IOException {
    List<Member> never = restored();
    agentEndsAndTheNextStarts();
    assertThat(never).isNotEmpty().noneMatch(FoundCopiesTest::isAlive);
    assertThat(isAlive(keeper.member())).isFalse();
    assertThat(folder.path()).doesNotExist();
    assertThat(arrivals.get(NEWER).phase()).isEqualTo(Phase.ABORTED);
    assertRefused(Reason.CRIU_RESTORE_FAILED, () -> arrivals.get(NEWER).resume());
    arrivals.abort(NEWER, false);
  }

  private void agentEndsAndTheNextStarts() throws IOException {
    notes.close();
    arrivals.start();
  }

  private List<Member> restored() throws IOException {
    return ProcessFamily.below((int) root.pid());
  }

  private void assertNothingIsLeft() {
    assertThat(tree).hasSize(TREE_SIZE).noneMatch(FoundCopiesTest::isAlive);
    assertThat(isAlive(keeper.member())).isFalse();
    assertThat(folder.path()).doesNotExist();
  }

  private static void assertRefused(Reason reason, ThrowingCallable order) {
    LongshoreException refused = catchThrowableOfType(LongshoreException.class, order);
    assertThat(refused).as("refused with %s", reason).isNotNull();
    assertThat(refused.reason()).isEqualTo(reason);
  }

  private static boolean isAlive(Member member) {
    try {
      return member.isAlive();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
