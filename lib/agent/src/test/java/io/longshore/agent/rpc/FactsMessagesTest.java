package io.longshore.agent.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.longshore.agent.host.NodeFacts;
import io.longshore.agent.runtime.WorkloadName;
import io.longshore.agent.v1.FileFacts.Use;
import io.longshore.agent.v1.MigrationRef;
import io.longshore.agent.workload.ContainerFacts;
import io.longshore.agent.workload.ContainerPolicy;
import io.longshore.agent.workload.ContainerPolicy.MountTreatment;
import io.longshore.agent.workload.ContainerPolicy.TcpConnections;
import io.longshore.agent.workload.FileFacts;
import io.longshore.agent.workload.ServiceAddressFacts;
import io.longshore.agent.workload.TaskFacts;
import io.longshore.agent.workload.TcpSocketFacts;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import io.longshore.v1.ContainerWorkload;
import io.longshore.v1.NodeCapabilities;
import io.longshore.v1.Obstacle;
import io.longshore.v1.Workload;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class FactsMessagesTest {
  private static final WorkloadFacts FACTS =
      new WorkloadFacts(
          "redis-server *:6379",
          List.of(
              new TaskFacts(100, List.of(100, 101), "redis-server"),
              new TaskFacts(102, List.of(102), "child")),
          List.of(
              new FileFacts("/usr/bin/redis", FileFacts.Use.MAPPED, 12, 0xCAFE_BABE, 0100755, 97),
              new FileFacts("/var/log/redis", FileFacts.Use.OPEN, 13, 7, 0100644, 99),
              new FileFacts("/srv", FileFacts.Use.DIRECTORY, 14, 8, 0040755, 98)),
          List.of(
              new TcpSocketFacts("10.0.0.1", 6379, true, false),
              new TcpSocketFacts("::1", 65535, false, true)),
          1L << 40,
          4096,
          List.of(new ServiceAddressFacts("10.0.0.5/24", "eth0")),
          new ContainerFacts(
              "runc",
              "1.1.5",
              "web-1",
              "/srv/web",
              "{}",
              List.of("/dev/null", "pipe:[1]", "pipe:[1]"),
              List.of(new ContainerFacts.Mount("/data", "/srv/data", "bind")),
              List.of(
                  new ContainerFacts.Namespace("network", "/run/netns/pod"),
                  new ContainerFacts.Namespace("pid", "/proc/1/ns/pid")),
              "/longshore/web-1",
              new ContainerPolicy(
                  "/srv/web2",
                  "/run/runc2",
                  "/moved",
                  Map.of("/data", MountTreatment.SHARED),
                  TcpConnections.CLOSE)));

  private static final NodeFacts NODE =
      new NodeFacts(
          "x86_64",
          Set.of("avx", "sse2"),
          "6.18.5",
          "4.2.1",
          true,
          List.of("process", "runc"),
          123,
          456);

  @Test
  void everyFieldOfAWorkloadSurvivesTheWay() throws Exception {
    io.longshore.agent.v1.WorkloadFacts message = FactsMessages.facts(FACTS);
    assertEveryFieldIsSet(message);
    assertThat(
            FactsMessages.facts(
                io.longshore.agent.v1.WorkloadFacts.parseFrom(message.toByteArray())))
        .isEqualTo(FACTS);
  }

  @Test
  void everyFieldOfAHostSurvivesTheWay() {
    NodeCapabilities message = FactsMessages.capabilities(NODE);
    assertEveryFieldIsSet(message);
    assertThat(FactsMessages.node(message)).isEqualTo(NODE);
    assertThat(message.getRuntimesList()).containsExactly("process", "runc");
  }

  @Test
  void aHostMayNameAFeatureTwice() {
    assertThat(
            FactsMessages.node(
                    NodeCapabilities.newBuilder()
                        .addCpuFeatures("avx")
                        .addCpuFeatures("avx")
                        .build())
                .cpuFeatures())
        .containsExactly("avx");
  }

  @Test
  void anObstacleSaysWhyAndWhatToDo() {
    Obstacle message =
        FactsMessages.obstacle(
            new Problem(Reason.PID_TAKEN, "in use on the target: 7", Map.of("pids", "7")));
    assertThat(message.getReason()).isEqualTo("PID_TAKEN");
    assertThat(message.getMessage()).isEqualTo("in use on the target: 7");
    assertThat(message.getRemedy()).isEqualTo(Reason.PID_TAKEN.remedy()).isNotEmpty();
  }

  @Test
  void aReferenceIsTakenAndABadOneRefused() {
    MigrationRef message = MigrationRef.newBuilder().setMigrationId("m").setEpoch(3).build();
    assertThat(FactsMessages.ref(message))
        .isEqualTo(new io.longshore.agent.migration.MigrationRef("m", 3));
    assertRefused(() -> FactsMessages.ref(message.toBuilder().setMigrationId("../m").build()));
    assertRefused(() -> FactsMessages.ref(MigrationRef.getDefaultInstance()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "relative", "../etc/passwd", "/with\0nul"})
  void refusesAPathThatCannotBe(String path) {
    assertRefused(() -> FactsMessages.facts(file(file().toBuilder().setPath(path))));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 4, 99, -1})
  void refusesAFileWhoseUseIsMissingOrUnknown(int use) {
    assertRefused(() -> FactsMessages.facts(file(file().toBuilder().setUseValue(use))));
  }

  @ParameterizedTest
  @EnumSource(FileFacts.Use.class)
  void knowsEveryUse(FileFacts.Use use) {
    WorkloadFacts facts =
        new WorkloadFacts(
            "",
            List.of(),
            List.of(new FileFacts("/f", use, 0, 0, 0, 0)),
            List.of(),
            0,
            0,
            List.of());
    assertThat(FactsMessages.facts(FactsMessages.facts(facts))).isEqualTo(facts);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE})
  void refusesSizesThatNoHostHas(long bytes) {
    assertRefused(
        () ->
            FactsMessages.facts(
                FactsMessages.facts(FACTS).toBuilder().setPrivateBytes(bytes).build()));
    assertRefused(
        () ->
            FactsMessages.facts(
                FactsMessages.facts(FACTS).toBuilder().setSharedBytes(bytes).build()));
    assertRefused(() -> FactsMessages.facts(file(file().toBuilder().setSizeBytes(bytes))));
  }

  @Test
  void aContainerIsNamedByItsRuntimeAndItsId() {
    assertThat(ContainerMessages.name(container("web-1", "")))
        .isEqualTo(new WorkloadName("runc", "web-1"));
    assertThat(ContainerMessages.name(container("web-1", "crun")))
        .isEqualTo(new WorkloadName("crun", "web-1"));
    assertThat(ContainerMessages.workload(new WorkloadName("crun", "web-1")))
        .isEqualTo(container("web-1", "crun"));
    assertThat(ContainerMessages.workload(WorkloadName.ofProcess(7)).getProcess().getPid())
        .isEqualTo(7);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "../x", "a/b", "a b", "a\n", "--x"})
  void refusesAnIdThatWouldBeAnotherPath(String id) {
    assertRefused(() -> ContainerMessages.name(container(id, "runc")));
    assertRefused(
        () -> {
          var message = FactsMessages.facts(FACTS).toBuilder();
          message.getContainerBuilder().setId(id);
          FactsMessages.facts(message.build());
        });
  }

  @Test
  void aProcessIsNoContainer() {
    assertRefused(() -> ContainerMessages.name(container("4711", "process")));
    assertRefused(() -> ContainerMessages.name(Workload.getDefaultInstance()));
  }

  private static Workload container(String id, String runtime) {
    return Workload.newBuilder()
        .setContainer(ContainerWorkload.newBuilder().setId(id).setRuntime(runtime))
        .build();
  }

  private static io.longshore.agent.v1.FileFacts file() {
    return io.longshore.agent.v1.FileFacts.newBuilder().setPath("/f").setUse(Use.USE_OPEN).build();
  }

  private static io.longshore.agent.v1.WorkloadFacts file(
      io.longshore.agent.v1.FileFacts.Builder file) {
    return io.longshore.agent.v1.WorkloadFacts.newBuilder().addFiles(file).build();
  }

  /** So that a field added to a message cannot be forgotten here: somewhere each has a value. */
  private static void assertEveryFieldIsSet(Message message) {
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      if (field.isRepeated()) {
        assertThat(message.getRepeatedFieldCount(field)).as(field.getFullName()).isPositive();
        if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
          assertEveryFieldIsSet((Message) message.getRepeatedField(field, 0));
        }
      } else if (!field.getFullName().endsWith("TcpSocketFacts.internal")) {
        assertThat(message.getAllFields()).as(field.getFullName()).containsKey(field);
      }
    }
  }

  private static void assertRefused(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            LongshoreException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_ARGUMENT));
  }
}
