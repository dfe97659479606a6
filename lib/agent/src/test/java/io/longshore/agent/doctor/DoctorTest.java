package io.longshore.agent.doctor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.longshore.agent.copy.CopyRecord;
import io.longshore.agent.copy.CopyRecord.Stage;
import io.longshore.agent.doctor.Remains.Standing;
import io.longshore.agent.doctor.Treatment.Outcome;
import io.longshore.agent.host.AgentIdentity.Role;
import io.longshore.agent.journal.Journal;
import io.longshore.agent.journal.JournalEntry;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.linux.CgroupFence;
import io.longshore.linux.CgroupHierarchy;
import io.longshore.linux.Pidfd;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.linux.network.ContainerNetwork;
import io.longshore.linux.network.NamespaceLock;
import io.longshore.linux.network.NetworkDevice;
import io.longshore.linux.network.NetworkNamespace;
import io.longshore.linux.network.PreparedNamespace;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** With real processes behind real fences. */
@Timeout(60)
final class DoctorTest {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final String id = "doctor-test-" + ProcessHandle.current().pid();

  @TempDir Path folder;
  private List<AgentFolders> agents;
  private Process workload;

  @BeforeEach
  void startWorkload() throws Exception {
    agents =
        List.of(
            new AgentFolders(
                Role.SOURCE, folder.resolve("source"), folder.resolve("source-journal")),
            new AgentFolders(
                Role.TARGET, folder.resolve("target"), folder.resolve("target-journal")));
    workload = new ProcessBuilder("sleep", "120").start();
  }

  @AfterEach
  void end() throws Exception {
    workload.destroyForcibly();
    Optional<CgroupFence> fence = fence();
    if (fence.isPresent()) {
      fence.get().kill(PATIENCE);
      fence.get().dissolve();
    }
  }

  @Test
  void whatNobodyHasIsRemovedAndItsWorkloadRunsOn() throws Exception {
    fenceWorkload();
    Path work = Files.createDirectories(folder.resolve("source").resolve(id).resolve("work"));
    Process helper = new ProcessBuilder("sh", "-c", "sleep 120; :", work.toString()).start();
    Remains found = examine();
    assertThat(found.standing()).isEqualTo(Standing.LEFT_OVER);
    assertThat(found.traces())
        .anyMatch(trace -> trace.startsWith("open cgroup fence"))
        .anyMatch(trace -> trace.startsWith("folder " + work.getParent()))
        .anyMatch(trace -> trace.startsWith("process " + helper.pid()));

    treat(found, Outcome.RUNS_ON);
    assertNothingIsThere();
    await().atMost(PATIENCE).until(() -> !helper.isAlive());
    assertThat(workload.isAlive()).isTrue();
  }

  @Test
  void whatIsFrozenIsHeldUntilSomebodyDecides() throws Exception {
    fenceWorkload().freeze(PATIENCE);
    Remains found = examine();
    assertThat(found.standing()).isEqualTo(Standing.HELD);
    assertThat(found.why()).contains("may be the only copy", "" + workload.pid());
    treat(found, Outcome.RUNS_ON);
    assertNothingIsThere();
    assertThat(workload.isAlive()).isTrue();
    workload.destroy();
    assertThat(workload.onExit().get()).isNotNull();
  }

  @Test
  void whatIsFrozenCanBeEnded() throws Exception {
    fenceWorkload().freeze(PATIENCE);
    treat(examine(), Outcome.ENDS);
    assertNothingIsThere();
    await().atMost(PATIENCE).until(() -> !workload.isAlive());
  }

  @Test
  void aCopyThatWaitsForPagesIsHeldAndCanOnlyBeEnded() throws Exception {
    Path copy = folder.resolve("target").resolve(id);
    Process keeper =
        new ProcessBuilder("sh", "-c", "sleep 120; :", copy.resolve("work/keeper").toString())
            .start();
    writeCopy(copy, keeper, Stage.RESUMED);
    Remains found = examine();
    assertThat(found.standing()).isEqualTo(Standing.HELD);
    assertThat(found.why()).contains("waits for pages");
    assertThatThrownBy(() -> treat(found, Outcome.RUNS_ON))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("can only be ended");
    assertThat(keeper.isAlive()).isTrue();
    assertThat(workload.isAlive()).isTrue();
    treat(found, Outcome.ENDS);
    assertNothingIsThere();
    await().atMost(PATIENCE).until(() -> !workload.isAlive() && !keeper.isAlive());
  }

  @Test
  void aCopyThatHasEveryPageCanBeLetRun() throws Exception {
    Process keeper = new ProcessBuilder("sleep", "120").start();
    writeCopy(folder.resolve("target").resolve(id), keeper, Stage.FILLED);
    Remains found = examine();
    assertThat(found.standing()).isEqualTo(Standing.HELD);
    treat(found, Outcome.RUNS_ON);
    assertNothingIsThere();
    assertThat(workload.isAlive()).isTrue();
    await().atMost(PATIENCE).until(() -> !keeper.isAlive());
  }

  @Test
  void whatATargetAgentHasIsItsOwn() throws Exception {
    Path copy = folder.resolve("target").resolve(id);
    Process keeper = new ProcessBuilder("sleep", "120").start();
    writeCopy(copy, keeper, Stage.RESUMED);
    keeper.destroyForcibly();
    try (Journal journal = Journal.open(copy)) {
      assertThat(journal.read().entries()).hasSize(1);
      assertThat(examine().standing()).isEqualTo(Standing.OWNED);
    }
  }

  private void writeCopy(Path copy, Process keeper, Stage stage) throws IOException {
    Files.createDirectories(copy.resolve("work"));
    try (Journal journal = Journal.open(copy)) {
      journal.write(
          CopyRecord.of(new MigrationRef(id, 1))
              .withKeepers(List.of(Member.of((int) keeper.pid())))
              .withProcesses(List.of(Member.of((int) workload.pid())))
              .at(stage)
              .toEntry());
    }
  }

  @Test
  void whatAnAgentThatRunsHasIsNotTouched() throws Exception {
    fenceWorkload();
    Files.createDirectories(folder.resolve("source").resolve(id).resolve("images"));
    try (Journal journal = Journal.open(agents.getFirst().journal())) {
      journal.write(inProgress());
      Remains found = examine();
      assertThat(found.standing()).isEqualTo(Standing.OWNED);
      assertThatThrownBy(() -> treat(found, Outcome.RUNS_ON))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(fence()).isPresent();
      assertThat(folder.resolve("source").resolve(id)).exists();
      journal.write(JournalEntry.of(ref(), "ROLLED_BACK"));
      assertThat(examine().standing()).as("it is over").isEqualTo(Standing.LEFT_OVER);
    }
  }

  @Test
  void whatAnAgentThatDoesNotRunHasIsHeldForIt() throws Exception {
    fenceWorkload().freeze(PATIENCE);
    try (Journal journal = Journal.open(agents.getFirst().journal())) {
      journal.write(inProgress());
    }
    Remains found = examine();
    assertThat(found.standing()).isEqualTo(Standing.HELD);
    assertThat(found.why()).contains("the source-agent does not run");
    treat(found, Outcome.ENDS);
    assertNothingIsThere();
    assertThat(Journal.look(agents.getFirst().journal()).entries())
        .as("so that the agent answers what became of it")
        .containsExactly(JournalEntry.of(ref(), "LOST"));
  }

  @Test
  void aDamagedJournalIsHeldAndGoesWhenSomebodyDecides() throws Exception {
    Files.createDirectories(agents.getFirst().journal());
    Path file = agents.getFirst().journal().resolve(id + ".journal");
    Files.writeString(file, "not a journal");
    Remains found = examine();
    assertThat(found.standing()).isEqualTo(Standing.HELD);
    assertThat(found.traces()).anyMatch(trace -> trace.contains(file.toString()));
    treat(found, Outcome.RUNS_ON);
    assertThat(file).doesNotExist();
  }

  @Test
  void anAgentThatRunsAndDoesNotSayWhatItHasKeepsEverything() throws Exception {
    fenceWorkload();
    Remains found =
        Examination.of(agents, agent -> agent.role() == Role.TARGET).stream()
            .filter(remains -> remains.migration().equals(id))
            .findFirst()
            .orElseThrow();
    assertThat(found.standing()).isEqualTo(Standing.HELD);
    assertThat(found.why()).contains("target-agent runs");
  }

  @Test
  void saysHowItIsUsed() {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    PrintStream nowhere = new PrintStream(new ByteArrayOutputStream());
    assertThat(DoctorMain.run(new String[] {"--bogus"}, nowhere, new PrintStream(err)))
        .isEqualTo(2);
    assertThat(DoctorMain.run(new String[] {"--end"}, nowhere, new PrintStream(err))).isEqualTo(2);
    assertThat(err.toString(java.nio.charset.StandardCharsets.UTF_8)).contains("usage:");
  }

  private void treat(Remains remains, Outcome outcome) throws IOException {
    new Treatment(agents).remove(remains, outcome);
  }

  private Remains examine() throws IOException {
    return find().orElseThrow();
  }

  private Optional<Remains> find() throws IOException {
    // Other tests of this machine have fences of their own.
    return Examination.of(agents, agent -> false).stream()
        .filter(remains -> remains.migration().equals(id))
        .findFirst();
  }

  private void assertNothingIsThere() throws IOException {
    assertThat(find()).isEmpty();
    assertThat(fence()).isEmpty();
    assertThat(folder.resolve("source").resolve(id)).doesNotExist();
  }

  private CgroupFence fenceWorkload() throws IOException {
    try (Pidfd process = Pidfd.open((int) workload.pid())) {
      return CgroupFence.create(id, List.of(process.pid()));
    }
  }

  private Optional<CgroupFence> fence() throws IOException {
    return CgroupFence.attach(CgroupHierarchy.forFreezing(), id);
  }

  private MigrationRef ref() {
    return new MigrationRef(id, 1);
  }

  private JournalEntry inProgress() {
    return JournalEntry.of(ref(), "FROZEN").with("root.pid", workload.pid());
  }

  @Test
  void aNetworkThatWasPreparedForAContainerIsRemoved() throws Exception {
    ContainerNetwork network =
        new ContainerNetwork(
            List.of(new NetworkDevice("lo", "", 65_536, false, "", List.of())),
            List.of(),
            new TreeMap<>());
    PreparedNamespace.make(id, network).close();
    Remains found = examine();
    assertThat(found.standing()).isEqualTo(Standing.LEFT_OVER);
    assertThat(found.traces()).contains("network namespace /run/netns/longshore-" + id);
    treat(found, Outcome.RUNS_ON);
    assertNothingIsThere();
    assertThat(PreparedNamespace.file(id)).doesNotExist();
  }

  @Test
  void theClosedNetworkOfAContainerIsOpened() throws Exception {
    Process container = new ProcessBuilder("unshare", "--net", "sleep", "120").start();
    try (NetworkNamespace own = NetworkNamespace.current()) {
      await()
          .atMost(PATIENCE)
          .until(
              () -> {
                try (NetworkNamespace its = NetworkNamespace.ofProcess((int) container.pid())) {
                  return !its.identity().equals(own.identity());
                }
              });
      try (NetworkNamespace its = NetworkNamespace.ofProcess((int) container.pid())) {
        new NamespaceLock(its, id).prepareSealed();
      }
      Remains found = examine();
      assertThat(found.standing()).isEqualTo(Standing.LEFT_OVER);
      assertThat(found.traces())
          .contains("closed network namespace of the process " + container.pid());
      treat(found, Outcome.RUNS_ON);
      assertNothingIsThere();
      assertThat(NamespaceLock.find()).doesNotContainKey(id);
    } finally {
      container.destroyForcibly().waitFor();
    }
  }
}
