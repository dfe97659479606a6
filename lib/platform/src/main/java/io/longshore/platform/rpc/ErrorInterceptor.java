package io.longshore.platform.rpc;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes every call exactly once, with a status made by {@link StatusMapper}: whether a service
 * throws, in any callback of any kind of call, or passes an exception to {@code
 * StreamObserver.onError}.
 *
 * <p>A failed call to another Longshore service that a service lets through keeps its reason.
 * Anything else that is thrown is a defect: it is logged once under a random id, and the caller
 * sees INTERNAL with that id and nothing more.
 *
 * <p>After a call was closed here, what the service still sends is dropped silently.
 */
public final class ErrorInterceptor implements ServerInterceptor {
  private static final Logger log = LoggerFactory.getLogger(ErrorInterceptor.class);

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    ClosedOnce<Q, R> once = new ClosedOnce<>(call);
    try {
      return new Catching<>(next.startCall(once, headers), once);
    } catch (RuntimeException | Error e) {
      once.fail(e);
      return new ServerCall.Listener<>() {};
    }
  }

  /** Status for anything thrown; logs what is unexpected. */
  static StatusRuntimeException map(Throwable thrown, String method) {
    return switch (thrown) {
      case LongshoreException e -> StatusMapper.toStatus(e);
      case StatusRuntimeException e -> StatusMapper.toStatus(StatusMapper.fromStatus(e));
      case Throwable e -> {
        String id = Long.toHexString(ThreadLocalRandom.current().nextLong());
        log.error("Unexpected failure {} in {}", id, method, e);
        yield StatusMapper.toStatus(
            new LongshoreException(
                Reason.INTERNAL,
                "Unexpected failure; look up " + id + " in the log of the service"));
      }
    };
  }

  /**
   * A call that is closed once. A listener's failure may come while another thread of the service
   * sends; gRPC's calls are not safe for that, hence the lock, held only for gRPC's own code.
   */
  private static final class ClosedOnce<Q, R> extends SimpleForwardingServerCall<Q, R> {
    private final ReentrantLock lock = new ReentrantLock();
    private boolean closed;

    ClosedOnce(ServerCall<Q, R> call) {
      super(call);
    }

    @Override
    public void sendHeaders(Metadata headers) {
      unlessClosed(() -> super.sendHeaders(headers));
    }

    @Override
    public void sendMessage(R message) {
      unlessClosed(() -> super.sendMessage(message));
    }

    @Override
    public void close(Status status, Metadata trailers) {
      Throwable cause = status.getCause();
      // StreamObserver.onError makes UNKNOWN of any exception that is not a gRPC one.
      boolean raw = status.getCode() == Status.Code.UNKNOWN && cause != null;
      if (raw && cause != null) {
        fail(cause);
      } else {
        finish(status, trailers);
      }
    }

    void fail(Throwable thrown) {
      if (isCancelled()) {
        log.debug("Failure in the cancelled call {}", name(), thrown);
        finish(Status.CANCELLED, new Metadata());
        return;
      }
      StatusRuntimeException mapped = map(thrown, name());
      Metadata trailers = mapped.getTrailers();
      finish(mapped.getStatus(), trailers == null ? new Metadata() : trailers);
    }

    private void finish(Status status, Metadata trailers) {
      unlessClosed(
          () -> {
            closed = true;
            super.close(status, trailers);
          });
    }

    private void unlessClosed(Runnable action) {
      lock.lock();
      try {
        if (!closed) {
          action.run();
        }
      } finally {
        lock.unlock();
      }
    }

    private String name() {
      return getMethodDescriptor().getFullMethodName();
    }
  }

  /** Turns what callbacks throw into the end of the call. */
  private static final class Catching<Q, R> extends SimpleForwardingServerCallListener<Q> {
    private final ClosedOnce<Q, R> call;

    Catching(ServerCall.Listener<Q> delegate, ClosedOnce<Q, R> call) {
      super(delegate);
      this.call = call;
    }

    @Override
    public void onMessage(Q message) {
      guarded(() -> super.onMessage(message));
    }

    @Override
    public void onHalfClose() {
      guarded(super::onHalfClose);
    }

    @Override
    public void onReady() {
      guarded(super::onReady);
    }

    @Override
    public void onCancel() {
      guarded(super::onCancel);
    }

    @Override
    public void onComplete() {
      guarded(super::onComplete);
    }

    private void guarded(Runnable callback) {
      try {
        callback.run();
      } catch (RuntimeException | Error e) {
        call.fail(e);
      }
    }
  }
}
