package io.longshore.platform.rpc;

import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Ends calls whose first message does not come in time: whoever only opens streams must not fill a
 * server with them. Must be inside of {@link ErrorInterceptor}, which lets two threads close a
 * call.
 */
final class FirstMessageLimit implements ServerInterceptor, AutoCloseable {
  private final Duration limit;
  private final ScheduledThreadPoolExecutor clock;

  private enum State {
    WAITING,
    CAME,
    TOO_LATE
  }

  FirstMessageLimit(String name, Duration limit) {
    this.limit = limit;
    this.clock =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().name(name + "-first-message").daemon().factory());
    clock.setRemoveOnCancelPolicy(true);
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    AtomicReference<State> state = new AtomicReference<>(State.WAITING);
    Future<?> end =
        clock.schedule(
            () -> {
              if (state.compareAndSet(State.WAITING, State.TOO_LATE)) {
                end(call);
              }
            },
            limit.toNanos(),
            TimeUnit.NANOSECONDS);
    return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
      @Override
      public void onMessage(Q message) {
        if (state.compareAndSet(State.WAITING, State.CAME)) {
          end.cancel(false);
        }
        if (state.get() == State.CAME) {
          super.onMessage(message);
        }
      }

      @Override
      public void onCancel() {
        end.cancel(false);
        super.onCancel();
      }

      @Override
      public void onComplete() {
        end.cancel(false);
        super.onComplete();
      }
    };
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }

  private void end(ServerCall<?, ?> call) {
    StatusRuntimeException status =
        StatusMapper.toStatus(
            new LongshoreException(
                Reason.MALFORMED_STREAM,
                "no message came within %d s of the call".formatted(limit.toSeconds())));
    Metadata trailers = status.getTrailers();
    call.close(status.getStatus(), trailers == null ? new Metadata() : trailers);
  }
}
