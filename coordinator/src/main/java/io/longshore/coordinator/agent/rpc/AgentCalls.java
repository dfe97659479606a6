package io.longshore.coordinator.agent.rpc;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.longshore.coordinator.agent.AgentException;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.RemoteCalls;
import java.util.List;
import java.util.function.Supplier;

/** Makes calls with a blocking stub and says what their failures mean. */
final class AgentCalls {
  private final String peer;

  /**
   * @param peer who is called, for messages
   */
  AgentCalls(String peer) {
    this.peer = peer;
  }

  /**
   * Makes a call. An interrupt cancels it.
   *
   * @throws InterruptedException if the thread was interrupted; whether the call had an effect is
   *     not known
   */
  <T> T call(Supplier<T> call) throws AgentException, InterruptedException {
    try {
      return call.get();
    } catch (StatusRuntimeException e) {
      if (Thread.interrupted()) {
        InterruptedException interrupted = new InterruptedException("cancelled a call to " + peer);
        interrupted.initCause(e);
        throw interrupted;
      }
      throw failure(e);
    }
  }

  private AgentException failure(StatusRuntimeException e) {
    if (e.getStatus().getCode() == Status.Code.CANCELLED) {
      // Not by us: this is how a server that stops ends its calls.
      return new AgentException(
          AgentException.Kind.UNREACHABLE,
          Reason.AGENT_UNREACHABLE.name(),
          peer + " ended the call without an answer, as an agent does that is being stopped",
          List.of(),
          e);
    }
    LongshoreException meaning = RemoteCalls.failure(peer, e);
    String reason =
        meaning.reason() == Reason.INTERNAL
            ? meaning.metadata().getOrDefault("reason", Reason.INTERNAL.name())
            : meaning.reason().name();
    String message = meaning.getMessage();
    return new AgentException(
        kind(e.getStatus(), meaning.reason()),
        reason,
        message == null || message.isEmpty() ? reason : message,
        meaning.criuLog(),
        e);
  }

  private static AgentException.Kind kind(Status status, Reason reason) {
    return switch (status.getCode()) {
      case UNAVAILABLE, CANCELLED, UNKNOWN -> AgentException.Kind.UNREACHABLE;
      // An agent's own time limit, such as CRIU's, is its answer; a limit of ours is not.
      case DEADLINE_EXCEEDED ->
          reason == Reason.AGENT_UNREACHABLE
              ? AgentException.Kind.TIMED_OUT
              : AgentException.Kind.REFUSED;
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
          AgentException.Kind.REFUSED;
    };
  }
}
