package io.longshore.platform.rpc;

import com.google.protobuf.Any;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.DebugInfo;
import com.google.rpc.ErrorInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Between {@link LongshoreException} and gRPC statuses, both ways.
 *
 * <p>On the wire an error is a {@code google.rpc.Status} with one {@code ErrorInfo} per problem
 * (reason, domain, metadata; the metadata also has {@code message} and {@code remedy}) and, where
 * CRIU failed, a {@code DebugInfo} whose stack entries are CRIU's own log lines. The details are
 * kept under {@value #DETAILS_LIMIT} bytes, since gRPC clients accept 8 KiB of trailers in all
 * unless told otherwise: what does not fit is left out and counted in the last message.
 */
public final class StatusMapper {
  /** Domain of every {@code ErrorInfo}. */
  public static final String DOMAIN = "longshore.io";

  private static final int DETAILS_LIMIT = 3500;
  private static final int MESSAGE_LIMIT = 1024;
  private static final int LINE_LIMIT = 300;
  private static final String ELLIPSIS = "...";
  private static final int ELLIPSIS_COST = 3;
  private static final String MESSAGE = "message";
  private static final String REMEDY = "remedy";

  private StatusMapper() {}

  /** The status to close a call with. */
  public static StatusRuntimeException toStatus(LongshoreException exception) {
    String message = shorten(String.valueOf(exception.getMessage()), MESSAGE_LIMIT);
    com.google.rpc.Status.Builder status =
        com.google.rpc.Status.newBuilder()
            .setCode(exception.reason().statusCode().value())
            .setMessage(message);
    int room = DETAILS_LIMIT;
    int left = 0;
    for (Problem problem : exception.problems()) {
      Any info = Any.pack(errorInfo(problem));
      if (info.getSerializedSize() <= room) {
        room -= info.getSerializedSize();
        status.addDetails(info);
      } else {
        left++;
      }
    }
    if (left > 0) {
      status.setMessage(
          shorten(message, MESSAGE_LIMIT - 40) + " (and details of " + left + " more)");
    }
    if (!exception.criuLog().isEmpty()) {
      status.addDetails(Any.pack(logLines(exception.criuLog(), room)));
    }
    return StatusProto.toStatusRuntimeException(status.build());
  }

  /**
   * What a failed call means. A status without a known reason becomes {@link
   * Reason#AGENT_UNREACHABLE} if it is UNAVAILABLE, DEADLINE_EXCEEDED or UNKNOWN, {@link
   * Reason#CANCELLED} if it is CANCELLED, and {@link Reason#INTERNAL} otherwise.
   */
  public static LongshoreException fromStatus(StatusRuntimeException exception) {
    List<Problem> problems = new ArrayList<>();
    List<String> criuLog = new ArrayList<>();
    String description = exception.getStatus().getDescription();
    for (Any detail : details(exception)) {
      try {
        if (detail.is(ErrorInfo.class)) {
          problem(detail.unpack(ErrorInfo.class), String.valueOf(description))
              .ifPresent(problems::add);
        } else if (detail.is(DebugInfo.class)) {
          criuLog.addAll(detail.unpack(DebugInfo.class).getStackEntriesList());
        }
      } catch (InvalidProtocolBufferException e) {
        exception.addSuppressed(e);
      }
    }
    if (problems.isEmpty()) {
      problems.add(withoutReason(exception.getStatus()));
    }
    return new LongshoreException(problems, criuLog, exception);
  }

  /**
   * Whether a Longshore service gave the reason of a failed call; else it comes from gRPC or the
   * network.
   */
  public static boolean hasReason(StatusRuntimeException exception) {
    return details(exception).stream().anyMatch(detail -> detail.is(ErrorInfo.class));
  }

  private static List<Any> details(StatusRuntimeException exception) {
    try {
      com.google.rpc.Status status = StatusProto.fromThrowable(exception);
      return status == null ? List.of() : status.getDetailsList();
    } catch (IllegalArgumentException e) {
      exception.addSuppressed(e);
      return List.of();
    }
  }

  private static ErrorInfo errorInfo(Problem problem) {
    ErrorInfo.Builder info =
        ErrorInfo.newBuilder().setReason(problem.reason().name()).setDomain(DOMAIN);
    problem.metadata().forEach((key, value) -> info.putMetadata(key, shorten(value, LINE_LIMIT)));
    info.putMetadata(MESSAGE, shorten(problem.message(), MESSAGE_LIMIT));
    info.putMetadata(REMEDY, problem.reason().remedy());
    return info.build();
  }

  /** The newest lines that fit: the last ones tell why CRIU gave up. */
  private static DebugInfo logLines(List<String> lines, int room) {
    List<String> chosen = new ArrayList<>();
    int used = 64;
    for (String line : lines.reversed()) {
      String shortened = shorten(line, LINE_LIMIT);
      used += CodedOutputStream.computeStringSize(DebugInfo.STACK_ENTRIES_FIELD_NUMBER, shortened);
      if (used > room) {
        break;
      }
      chosen.addFirst(shortened);
    }
    return DebugInfo.newBuilder().setDetail("CRIU log").addAllStackEntries(chosen).build();
  }

  private static Optional<Problem> problem(ErrorInfo info, String description) {
    if (!info.getDomain().equals(DOMAIN)) {
      return Optional.empty();
    }
    Map<String, String> metadata = new HashMap<>(info.getMetadataMap());
    String message = metadata.remove(MESSAGE);
    metadata.remove(REMEDY);
    Reason reason = Reason.INTERNAL;
    try {
      reason = Reason.valueOf(info.getReason());
    } catch (IllegalArgumentException e) {
      // From a newer Longshore: keep its word for whoever reads the metadata.
      metadata.put("reason", info.getReason());
    }
    return Optional.of(new Problem(reason, message == null ? description : message, metadata));
  }

  private static Problem withoutReason(Status status) {
    Reason reason =
        switch (status.getCode()) {
          // No Longshore service answers UNKNOWN: gRPC does, of a connection that was just closed.
          case UNAVAILABLE, DEADLINE_EXCEEDED, UNKNOWN -> Reason.AGENT_UNREACHABLE;
          case CANCELLED -> Reason.CANCELLED;
          case OK,
              INVALID_ARGUMENT,
              NOT_FOUND,
              ALREADY_EXISTS,
              PERMISSION_DENIED,
              RESOURCE_EXHAUSTED,
              FAILED_PRECONDITION,
              ABORTED,
              OUT_OF_RANGE,
              UNIMPLEMENTED,
              INTERNAL,
              DATA_LOSS,
              UNAUTHENTICATED ->
              Reason.INTERNAL;
        };
    String description = status.getDescription();
    return new Problem(
        reason, status.getCode() + (description == null ? "" : ": " + description), Map.of());
  }

  /**
   * Cuts a text that would take more bytes than the limit in {@code grpc-message}, which
   * percent-encodes UTF-8.
   */
  private static String shorten(String text, int limit) {
    int cost = 0;
    int room = 0;
    for (int at = 0; at < text.length(); at += Character.charCount(text.codePointAt(at))) {
      int c = text.codePointAt(at);
      cost += c >= ' ' && c <= '~' && c != '%' ? 1 : 3 * utf8Length(c);
      if (cost <= limit - ELLIPSIS_COST) {
        room = at + Character.charCount(c);
      }
      if (cost > limit) {
        return text.substring(0, room) + ELLIPSIS;
      }
    }
    return text;
  }

  private static int utf8Length(int codePoint) {
    return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
  }
}
