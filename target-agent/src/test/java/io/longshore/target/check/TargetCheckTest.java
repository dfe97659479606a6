package io.longshore.target.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.longshore.agent.host.NodeFacts;
import io.longshore.agent.workload.ContainerFacts;
import io.longshore.agent.workload.ContainerFacts.Namespace;
import io.longshore.agent.workload.ContainerPolicy;
import io.longshore.agent.workload.FileChecksum;
import io.longshore.agent.workload.FileFacts;
import io.longshore.agent.workload.FileFacts.Use;
import io.longshore.agent.workload.ServiceAddressFacts;
import io.longshore.agent.workload.TaskFacts;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import io.longshore.target.runtime.PlainProcesses;
import io.longshore.target.runtime.RecordingRuntime;
import io.longshore.target.runtime.TargetRuntimes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TargetCheckTest {
  private static final NodeFacts HERE =
      new NodeFacts(
          "x86_64",
          Set.of("avx", "sse2"),
          "6.18",
          "4.2.1",
          true,
          List.of("process"),
          1L << 30,
          1L << 31);

  private static final Namespace OWN_PIDS = new Namespace("pid", "");

  @TempDir Path proc;
  @TempDir Path root;
  private Path file = Path.of("/");

  @BeforeEach
  void write() throws Exception {
    file = Files.writeString(root.resolve("f"), "content");
  }

  @Test
  void findsNothingWhereAllFits() throws Exception {
    assertThat(
            check(
                new WorkloadFacts(
                    "w",
                    List.of(new TaskFacts(100, List.of(100, 101), "w")),
                    List.of(mapped(), open(7), fact("/", Use.DIRECTORY, 0, 0, root)),
                    List.of(),
                    100 << 20,
                    50 << 20,
                    List.of(new ServiceAddressFacts("10.0.0.5/24", "eth0"))),
                HERE,
                HERE))
        .isEmpty();
  }

  @Test
  void findsHostsThatDoNotFit() {
    assertThat(reasons(with("aarch64", "4.2.1", "avx")))
        .containsExactly(Reason.ARCHITECTURE_INCOMPATIBLE);
    assertThat(reasons(with("x86_64", "4.2.1", "avx", "amx")))
        .containsExactly(Reason.CPU_INCOMPATIBLE);
    assertThat(reasons(with("x86_64", "4.3.0", "avx"))).containsExactly(Reason.CRIU_INCOMPATIBLE);
    assertThat(reasons(with("x86_64", "5.0.0", "avx"))).containsExactly(Reason.CRIU_INCOMPATIBLE);
    assertThat(reasons(with("x86_64", "4.2.9", "avx"))).isEmpty();
    assertThat(reasons(with("x86_64", "4.1.1", "avx"))).isEmpty();
    NodeFacts poor =
        new NodeFacts(
            "x86_64", Set.of("avx"), "5.4", "", false, List.of("process"), 1L << 30, 1L << 31);
    assertThat(check(workload(0), with("x86_64", "4.2.1", "avx"), poor))
        .extracting(Problem::reason)
        .containsExactly(Reason.CRIU_MISSING, Reason.KERNEL_INCOMPATIBLE);
  }

  @Test
  void namesAFewOfManyFeaturesThatAreMissing() {
    String[] many = {"a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9"};
    assertThat(check(workload(0), with("x86_64", "4.2.1", many), HERE))
        .singleElement()
        .satisfies(p -> assertThat(p.message()).contains("a8 and 1 more").doesNotContain("a9"));
  }

  @Test
  void findsIdsThatAreTakenThreadsToo() throws Exception {
    Files.createDirectory(proc.resolve("101"));
    assertThat(check(tasks(new TaskFacts(100, List.of(100, 101), "w")), HERE, HERE))
        .singleElement()
        .satisfies(
            p -> {
              assertThat(p.reason()).isEqualTo(Reason.PID_TAKEN);
              assertThat(p.metadata()).containsEntry("pids", "101");
            });
    Files.createDirectory(proc.resolve("1"));
    assertThat(check(tasks(new TaskFacts(1, List.of(1, 101), "init")), HERE, HERE)).isEmpty();
  }

  @Test
  void findsThatTheRuntimeIsMissing() {
    assertThat(check(container("runc", List.of(OWN_PIDS)), HERE, HERE))
        .singleElement()
        .satisfies(
            p -> {
              assertThat(p.reason()).isEqualTo(Reason.RUNTIME_MISSING);
              assertThat(p.message())
                  .isEqualTo("the target has no runtime 'runc', it has process, recording");
            });
  }

  @Test
  void asksTheRuntimeThatIsThere() {
    assertThat(check(container("recording", List.of(OWN_PIDS)), HERE, HERE))
        .extracting(Problem::reason)
        .containsExactly(Reason.CONTAINER_EXISTS);
  }

  @Test
  void aContainerThatJoinsPidsNeedsItsIds() throws Exception {
    Files.createDirectory(proc.resolve("1"));
    assertThat(check(container("recording", List.of(new Namespace("pid", "/x"))), HERE, HERE))
        .extracting(Problem::reason)
        .contains(Reason.PID_TAKEN);
    assertThat(check(container("recording", List.of(OWN_PIDS)), HERE, HERE))
        .extracting(Problem::reason)
        .doesNotContain(Reason.PID_TAKEN);
  }

  @Test
  void comparesWhatTheRuntimeSaysWhereItIs() {
    FileFacts elsewhere = new FileFacts("/elsewhere/f", Use.OPEN, 7, 0, 0100644, 0);
    FileFacts missing = new FileFacts("/elsewhere/g", Use.OPEN, 7, 0, 0100644, 0);
    FileFacts ofNoMatter = new FileFacts("/skipped", Use.OPEN, 7, 0, 0100644, 0);
    WorkloadFacts facts = container("recording", List.of(OWN_PIDS));
    assertThat(
            check(
                new WorkloadFacts(
                    "",
                    List.of(),
                    List.of(elsewhere, missing, ofNoMatter),
                    List.of(),
                    0,
                    0,
                    List.of(),
                    facts.container()),
                HERE,
                HERE))
        .extracting(Problem::reason, Problem::message)
        .contains(tuple(Reason.FILE_MISSING, "/elsewhere/g does not exist on the target"))
        .hasSize(2);
  }

  private TargetRuntimes runtimes() {
    return new TargetRuntimes(List.of(new PlainProcesses(root), new RecordingRuntime(root)));
  }

  private static WorkloadFacts container(String runtime, List<Namespace> namespaces) {
    return new WorkloadFacts(
        "",
        List.of(new TaskFacts(1, List.of(1), "init")),
        List.of(),
        List.of(),
        0,
        0,
        List.of(),
        new ContainerFacts(
            runtime,
            "1",
            "web-1",
            "/b",
            "{}",
            List.of(),
            List.of(),
            namespaces,
            "/c",
            ContainerPolicy.NONE));
  }

  @Test
  void findsThatMemoryIsShort() {
    assertThat(check(workload((1L << 30) - (64 << 20)), HERE, HERE)).isEmpty();
    assertThat(check(workload((1L << 30) - (64 << 20) + 1), HERE, HERE))
        .extracting(Problem::reason)
        .containsExactly(Reason.NOT_ENOUGH_MEMORY);
  }

  @Test
  void findsAnAddressThatCannotCome() {
    TargetCheck check =
        new TargetCheck(runtimes(), proc, address -> Optional.of("no such network"));
    WorkloadFacts moving =
        new WorkloadFacts(
            "",
            List.of(),
            List.of(),
            List.of(),
            0,
            0,
            List.of(new ServiceAddressFacts("1.2.3.4/8", "e")));
    assertThat(check.check(moving, HERE, HERE))
        .containsExactly(new Problem(Reason.ADDRESS_NOT_AVAILABLE, "no such network"));
  }

  @Test
  void findsFilesThatAreMissingOrDifferent() throws Exception {
    int mode = mode(file);
    assertThat(files(new FileFacts("/none", Use.OPEN, 7, 0, mode, 0)))
        .containsExactly(Reason.FILE_MISSING);
    assertThat(files(new FileFacts("/f/below", Use.OPEN, 7, 0, mode, 0)))
        .containsExactly(Reason.FILE_MISSING);
    assertThat(files(open(8))).containsExactly(Reason.FILE_DIFFERENT);
    assertThat(files(new FileFacts("/f", Use.DIRECTORY, 0, 0, mode(root), 0)))
        .containsExactly(Reason.FILE_DIFFERENT);
    FileFacts before = mapped();
    Files.writeString(file, "cOntent");
    assertThat(files(before)).containsExactly(Reason.FILE_DIFFERENT);
    assertThat(files(open(7))).isEmpty();
  }

  @Test
  void whatIsWrittenMayHaveGrownIfItIsTheSameFile() throws Exception {
    long inode = (long) Files.getAttribute(file, "unix:ino");
    assertThat(files(new FileFacts("/f", Use.OPEN, 5, 0, mode(file), inode))).isEmpty();
    assertThat(files(new FileFacts("/f", Use.OPEN, 5, 0, mode(file), inode + 1)))
        .containsExactly(Reason.FILE_DIFFERENT);
    assertThat(files(new FileFacts("/f", Use.OPEN, 5, 0, mode(file), 0)))
        .containsExactly(Reason.FILE_DIFFERENT);
  }

  private List<Reason> files(FileFacts... facts) {
    return check(
            new WorkloadFacts("", List.of(), List.of(facts), List.of(), 0, 0, List.of()),
            HERE,
            HERE)
        .stream()
        .map(Problem::reason)
        .toList();
  }

  private FileFacts mapped() throws Exception {
    return fact("/f", Use.MAPPED, 7, FileChecksum.crc32c(file), file);
  }

  private FileFacts open(long bytes) throws Exception {
    return fact("/f", Use.OPEN, bytes, 0, file);
  }

  private static FileFacts fact(String path, Use use, long bytes, int crc, Path like)
      throws Exception {
    return new FileFacts(path, use, bytes, crc, mode(like), 0);
  }

  private static int mode(Path of) throws Exception {
    return (int) Files.getAttribute(of, "unix:mode");
  }

  private List<Reason> reasons(NodeFacts source) {
    return check(workload(0), source, HERE).stream().map(Problem::reason).toList();
  }

  private List<Problem> check(WorkloadFacts workload, NodeFacts source, NodeFacts here) {
    return new TargetCheck(runtimes(), proc, address -> Optional.empty())
        .check(workload, source, here);
  }

  private static NodeFacts with(String architecture, String criu, String... features) {
    return new NodeFacts(
        architecture, Set.of(features), "6.18", criu, true, List.of("process"), 1, 1);
  }

  private static WorkloadFacts workload(long bytes) {
    return new WorkloadFacts("", List.of(), List.of(), List.of(), bytes, 0, List.of());
  }

  private static WorkloadFacts tasks(TaskFacts task) {
    return new WorkloadFacts("", List.of(task), List.of(), List.of(), 0, 0, List.of());
  }
}
