package io.longshore.platform.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.StreamObserver;
import io.longshore.platform.error.Reason;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.longshore.transfer.v1.SendPagesRequest;
import io.longshore.transfer.v1.SendPagesResponse;
import io.longshore.transfer.v1.TransferServiceGrpc;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Callers that open a call and then say nothing, on a real port. */
@Timeout(60)
final class HalfOpenCallsTest {
  private final AtomicInteger messages = new AtomicInteger();
  private final GrpcServer server =
      GrpcServer.builder("test", new HostPort("127.0.0.1", 0), new PlaintextOnLoopback())
          .add(new Pages())
          .firstMessageWithin(Duration.ofSeconds(1))
          .patience(Duration.ofMillis(200))
          .build();
  private ManagedChannel channel;

  @BeforeEach
  void start() throws Exception {
    server.start();
    channel =
        new GrpcChannels(OpenTelemetry.noop(), new PlaintextOnLoopback())
            .open(Destination.targetAgent(server.address()), "test");
  }

  @AfterEach
  void stop() throws Exception {
    GrpcChannels.close(channel, Duration.ofMillis(200));
    server.stop();
  }

  @Test
  void aThousandOfThemEndWithAReasonAndDoNotHinderOthers() throws Exception {
    List<Client> silent = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      silent.add(new Client());
    }

    assertThat(
            HealthGrpc.newBlockingStub(channel)
                .withDeadlineAfter(Duration.ofSeconds(10))
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus())
        .isEqualTo(ServingStatus.SERVING);
    for (Client caller : silent) {
      assertThat(caller.reason()).isEqualTo(Reason.MALFORMED_STREAM);
    }
    assertThat(messages).hasValue(0);
  }

  @Test
  void oneThatSaidSomethingInTimeStaysOpen() throws Exception {
    Client talking = new Client();
    talking.requests.onNext(SendPagesRequest.getDefaultInstance());
    assertThat(talking.answers.poll(10, TimeUnit.SECONDS)).isNotNull();

    Client silent = new Client();
    assertThat(silent.reason()).isEqualTo(Reason.MALFORMED_STREAM);

    talking.requests.onNext(SendPagesRequest.getDefaultInstance());
    assertThat(talking.answers.poll(10, TimeUnit.SECONDS)).isNotNull();
    assertThat(talking.end).isNotDone();
  }

  private final class Client implements StreamObserver<SendPagesResponse> {
    final BlockingQueue<SendPagesResponse> answers = new ArrayBlockingQueue<>(10);
    final CompletableFuture<Throwable> end = new CompletableFuture<>();
    final StreamObserver<SendPagesRequest> requests =
        TransferServiceGrpc.newStub(channel).sendPages(this);

    Reason reason() throws Exception {
      return StatusMapper.fromStatus((StatusRuntimeException) end.get(20, TimeUnit.SECONDS))
          .reason();
    }

    @Override
    public void onNext(SendPagesResponse answer) {
      answers.add(answer);
    }

    @Override
    public void onError(Throwable failure) {
      end.complete(failure);
    }

    @Override
    public void onCompleted() {}
  }

  private final class Pages extends TransferServiceGrpc.TransferServiceImplBase {
    @Override
    public StreamObserver<SendPagesRequest> sendPages(StreamObserver<SendPagesResponse> answers) {
      return new StreamObserver<>() {
        @Override
        public void onNext(SendPagesRequest request) {
          messages.incrementAndGet();
          answers.onNext(SendPagesResponse.getDefaultInstance());
        }

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onCompleted() {
          answers.onCompleted();
        }
      };
    }
  }
}
