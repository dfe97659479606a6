package io.longshore.platform.rpc;

import static java.net.URLEncoder.encode;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class StatusMapperTest {
  @ParameterizedTest
  @EnumSource
  void givesBackTheReasonThatWasSent(Reason reason) {
    StatusRuntimeException status =
        StatusMapper.toStatus(new LongshoreException(reason, "tried x, found y"));

    assertThat(status.getStatus().getCode()).isEqualTo(reason.statusCode());
    assertThat(status.getStatus().getDescription()).isEqualTo("tried x, found y");
    assertThat(StatusMapper.fromStatus(status).problems())
        .containsExactly(new Problem(reason, "tried x, found y"));
  }

  @Test
  void givesBackEveryProblemWithItsMetadataAndTheCriuLog() {
    List<Problem> problems =
        List.of(
            new Problem(Reason.PID_TAKEN, "pid 5 is taken on b", Map.of("pid", "5", "node", "b")),
            new Problem(Reason.FILE_MISSING, "/a is missing on b", Map.of("path", "/a")));
    List<String> log = List.of("Error (criu/x.c:1): one", "Error (criu/y.c:2): two");

    LongshoreException back =
        StatusMapper.fromStatus(StatusMapper.toStatus(new LongshoreException(problems, log, null)));

    assertThat(back.problems()).isEqualTo(problems);
    assertThat(back.criuLog()).isEqualTo(log);
  }

  @Test
  void tellsClientsOfOtherLanguagesWhatToDo() throws Exception {
    com.google.rpc.Status status =
        StatusProto.fromThrowable(
            StatusMapper.toStatus(new LongshoreException(Reason.SAME_NODE, "a to a")));

    ErrorInfo info = status.getDetails(0).unpack(ErrorInfo.class);
    assertThat(info.getDomain()).isEqualTo("longshore.io");
    assertThat(info.getReason()).isEqualTo("SAME_NODE");
    assertThat(info.getMetadataMap()).containsEntry("remedy", Reason.SAME_NODE.remedy());
  }

  @Test
  void keepsTrailersWithinWhatClientsAcceptByDefault() {
    List<Problem> many =
        IntStream.range(0, 500)
            .mapToObj(i -> new Problem(Reason.FILE_MISSING, "/usr/lib/ärger/" + i + " is missing"))
            .toList();
    List<String> log = IntStream.range(0, 500).mapToObj(i -> "Error ü" + "x".repeat(i)).toList();

    for (LongshoreException e :
        List.of(
            LongshoreException.of(many),
            new LongshoreException(Reason.CRIU_DUMP_FAILED, "ö".repeat(9000)).withCriuLog(log))) {
      StatusRuntimeException status = StatusMapper.toStatus(e);

      int details = StatusProto.fromThrowable(status).getSerializedSize() * 4 / 3;
      int message = encode(status.getStatus().getDescription(), UTF_8).length();
      assertThat(details + message).isLessThan(8192 - 512);
      assertThat(e.reason()).isEqualTo(StatusMapper.fromStatus(status).reason());
    }
  }

  @Test
  void keepsTheNewestLinesOfALongCriuLog() {
    List<String> log = IntStream.range(0, 500).mapToObj(i -> "line " + i).toList();

    LongshoreException back =
        StatusMapper.fromStatus(
            StatusMapper.toStatus(
                new LongshoreException(Reason.CRIU_DUMP_FAILED, "failed").withCriuLog(log)));

    assertThat(back.criuLog()).endsWith("line 498", "line 499").hasSizeGreaterThan(20);
  }

  @Test
  void countsTheProblemsThatFindNoRoom() {
    List<Problem> many =
        IntStream.range(0, 500)
            .mapToObj(i -> new Problem(Reason.FILE_MISSING, "file " + i + " is missing"))
            .toList();

    LongshoreException back =
        StatusMapper.fromStatus(StatusMapper.toStatus(LongshoreException.of(many)));
    StatusRuntimeException status = StatusMapper.toStatus(LongshoreException.of(many));

    assertThat(status.getStatus().getDescription())
        .endsWith("(and details of " + (500 - back.problems().size()) + " more)");
  }

  @Test
  void takesAPeerThatIsNotThereAsUnreachable() {
    assertThat(reasonOf(Status.UNAVAILABLE)).isEqualTo(Reason.AGENT_UNREACHABLE);
    assertThat(reasonOf(Status.DEADLINE_EXCEEDED)).isEqualTo(Reason.AGENT_UNREACHABLE);
  }

  @Test
  void takesUnknownErrorsAsInternal() {
    assertThat(reasonOf(Status.UNKNOWN)).isEqualTo(Reason.AGENT_UNREACHABLE);
    assertThat(reasonOf(Status.UNIMPLEMENTED)).isEqualTo(Reason.INTERNAL);
    assertThat(reasonOf(Status.CANCELLED)).isEqualTo(Reason.CANCELLED);
  }

  @Test
  void keepsTheWordOfAReasonFromANewerVersion() {
    LongshoreException back = StatusMapper.fromStatus(withInfo("NEW_REASON", "longshore.io"));

    assertThat(back.reason()).isEqualTo(Reason.INTERNAL);
    assertThat(back.metadata()).containsEntry("reason", "NEW_REASON");
    assertThat(back).hasMessage("message");
  }

  @Test
  void ignoresReasonsOfOtherDomains() {
    assertThat(StatusMapper.fromStatus(withInfo("PID_TAKEN", "example.com")).reason())
        .isEqualTo(Reason.INTERNAL);
  }

  @Test
  void survivesDetailsThatCannotBeParsed() {
    Metadata trailers = new Metadata();
    trailers.put(
        Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER),
        new byte[] {1, 2, 3});

    LongshoreException back =
        StatusMapper.fromStatus(new StatusRuntimeException(Status.UNAVAILABLE, trailers));

    assertThat(back.reason()).isEqualTo(Reason.AGENT_UNREACHABLE);
  }

  @Test
  void leavesTheWordsOfAPeerThatCannotReachAnother() {
    LongshoreException unreachable =
        new LongshoreException(Reason.AGENT_UNREACHABLE, "Cannot reach target-agent b");

    assertThat(RemoteCalls.failure("the coordinator", StatusMapper.toStatus(unreachable)))
        .hasMessage("Cannot reach target-agent b");
    assertThat(
            RemoteCalls.failure(
                "the coordinator",
                Status.UNAVAILABLE.withDescription("no route").asRuntimeException()))
        .hasMessage("Cannot reach the coordinator: no route");
  }

  private static Reason reasonOf(Status status) {
    return StatusMapper.fromStatus(status.asRuntimeException()).reason();
  }

  private static StatusRuntimeException withInfo(String reason, String domain) {
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(Status.Code.FAILED_PRECONDITION.value())
            .setMessage("message")
            .addDetails(
                Any.pack(ErrorInfo.newBuilder().setReason(reason).setDomain(domain).build()))
            .build());
  }
}
