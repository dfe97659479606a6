package io.longshore.platform.rpc;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.net.ConnectException;
import java.util.List;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

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
    if (mapped.reason() == Reason.AGENT_UNREACHABLE && !StatusMapper.hasReason(e)) {
      return new LongshoreException(
          List.of(
              new Problem(
                  Reason.AGENT_UNREACHABLE,
                  "Cannot reach " + peer + ": " + whatWasFound(e.getStatus()))),
          List.of(),
          e);
    }
    return mapped;
  }

  /**
   * Whether a failed call certainly never reached the peer, because no connection could be made.
   */
  public static boolean wasNeverSent(@Nullable Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof ConnectException) {
        return true;
      }
    }
    return false;
  }

  /**
   * The system's word for it (connection refused), or what was wrong with a certificate, where
   * there is one: gRPC only says "io exception".
   */
  private static String whatWasFound(Status status) {
    String tls = "";
    for (Throwable t = status.getCause(); t != null; t = t.getCause()) {
      if (t instanceof SSLException) {
        tls = "no TLS connection: ";
      }
      if (t.getCause() == null && (t instanceof IOException || !tls.isEmpty())) {
        String message = String.valueOf(t.getMessage());
        return tls
            + message.substring(
                message.lastIndexOf("): ") < 0 ? 0 : message.lastIndexOf("): ") + 3);
      }
    }
    String description = status.getDescription();
    return description == null ? status.getCode().name() : description;
  }
}
