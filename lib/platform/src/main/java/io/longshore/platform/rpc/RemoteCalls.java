package io.longshore.platform.rpc;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.util.List;
import java.util.function.Supplier;

/** Makes blocking calls so that what fails is a {@link LongshoreException} which names the peer. */
public final class RemoteCalls {
  private RemoteCalls() {}

  /**
   * Makes a call.
   *
   * @param peer who is called and where, for messages: "target-agent b at 10.77.0.12:7702"
   * @param call uses a blocking stub
   * @throws LongshoreException with the peer's reason if it gave one, else see {@link
   *     StatusMapper#fromStatus}
   */
  public static <T> T call(String peer, Supplier<T> call) {
    try {
      return call.get();
    } catch (StatusRuntimeException e) {
      throw failure(peer, e);
    }
  }

  /** What a failed call to a peer means, for callers that get the status in another way. */
  public static LongshoreException failure(String peer, StatusRuntimeException e) {
    LongshoreException mapped = StatusMapper.fromStatus(e);
    if (mapped.reason() == Reason.AGENT_UNREACHABLE && isFromTransport(e.getStatus())) {
      return new LongshoreException(
          List.of(
              new Problem(
                  Reason.AGENT_UNREACHABLE, "Cannot reach " + peer + ": " + mapped.getMessage())),
          List.of(),
          e);
    }
    return mapped;
  }

  private static boolean isFromTransport(Status status) {
    return status.getCode() == Status.Code.UNAVAILABLE
        || status.getCode() == Status.Code.DEADLINE_EXCEEDED;
  }
}
