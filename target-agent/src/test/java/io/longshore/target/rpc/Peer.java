package io.longshore.target.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.StatusMapper;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A source's end of a stream. */
final class Peer<Q, R> implements ClientResponseObserver<Q, R> {
  final BlockingQueue<R> responses = new LinkedBlockingQueue<>();
  final CompletableFuture<Reason> end = new CompletableFuture<>();

  @Override
  public void beforeStart(ClientCallStreamObserver<Q> requests) {}

  @Override
  public void onNext(R response) {
    responses.add(response);
  }

  @Override
  public void onError(Throwable failure) {
    if (failure instanceof StatusRuntimeException status && StatusMapper.hasReason(status)) {
      end.complete(StatusMapper.fromStatus(status).reason());
    } else {
      end.completeExceptionally(failure);
    }
  }

  @Override
  public void onCompleted() {
    end.completeExceptionally(new IllegalStateException("the stream ended well"));
  }

  R response() throws InterruptedException {
    R response = responses.poll(10, TimeUnit.SECONDS);
    assertThat(response).as("a response; the stream: %s", end).isNotNull();
    return response;
  }

  Reason reason() throws Exception {
    return end.get(10, TimeUnit.SECONDS);
  }
}
