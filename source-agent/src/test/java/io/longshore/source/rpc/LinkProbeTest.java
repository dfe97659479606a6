package io.longshore.source.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.util.Durations;
import io.grpc.stub.StreamObserver;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.rpc.TransportTuning;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.longshore.source.profile.LinkProfile;
import io.longshore.transfer.v1.ProbeLinkRequest;
import io.longshore.transfer.v1.ProbeLinkResponse;
import io.longshore.transfer.v1.TransferServiceGrpc;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Against a target of the test on a real port, which says what it likes. */
@Timeout(60)
final class LinkProbeTest {
  private static final int STREAMS = 2;

  private final Target target = new Target();
  private final GrpcServer server =
      GrpcServer.builder("target", new HostPort("127.0.0.1", 0), new PlaintextOnLoopback())
          .tuning(TransportTuning.BULK.withDirectCallbacks(false))
          .patience(Duration.ofSeconds(1))
          .add(target)
          .build();
  private final LinkProbe probe =
      new LinkProbe(new GrpcChannels(OpenTelemetry.noop(), new PlaintextOnLoopback()), STREAMS);

  @BeforeEach
  void start() throws Exception {
    server.start();
  }

  @AfterEach
  void stop() throws Exception {
    server.stop();
  }

  @Test
  void addsUpWhatAllStreamsTook() throws Exception {
    LinkProfile link = probe.probe(server.address());

    // Each stream is said to have taken 1 MB in 100 ms.
    assertThat(link.bytesPerSecond()).isEqualTo(STREAMS * 10_000_000L);
    assertThat(link.roundTrip()).isPositive().isLessThan(Duration.ofSeconds(5));
    assertThat(target.bytes.get()).isPositive().isLessThanOrEqualTo(56 << 20);
    assertThat(target.streams).hasSize(STREAMS);
    // Each warms up first, and is measured then.
    assertThat(target.streams)
        .allSatisfy(
            measured -> {
              assertThat(measured.getFirst()).isFalse();
              assertThat(measured.getLast()).isTrue();
              assertThat(measured).isSorted();
            });
  }

  @Test
  void isContentWithATargetThatHasHadEnough() throws Exception {
    target.enough = 3;

    assertThat(probe.probe(server.address()).bytesPerSecond()).isPositive();
    assertThat(target.bytes.get()).isLessThan(56 << 20);
  }

  @Test
  void doesNotBelieveThatMoreCameThanCanHave() throws Exception {
    target.measuredBytes = 1L << 50;

    assertThat(probe.probe(server.address()).bytesPerSecond()).isPositive().isLessThan(1L << 35);
  }

  @Test
  void saysThatTheTargetDoesNotAnswer() throws Exception {
    HostPort gone = server.address();
    server.stop();

    assertThatThrownBy(() -> probe.probe(gone))
        .isInstanceOf(LongshoreException.class)
        .hasMessageContaining("the way to the target at " + gone + " cannot be measured")
        .satisfies(
            e ->
                assertThat(((LongshoreException) e).problems().getFirst().reason())
                    .isEqualTo(Reason.TRANSFER_BROKEN));
  }

  private static final class Target extends TransferServiceGrpc.TransferServiceImplBase {
    final AtomicLong bytes = new AtomicLong();
    final List<List<Boolean>> streams = new CopyOnWriteArrayList<>();
    volatile long measuredBytes = 1_000_000;
    volatile int enough = Integer.MAX_VALUE;

    @Override
    public StreamObserver<ProbeLinkRequest> probeLink(StreamObserver<ProbeLinkResponse> responses) {
      List<Boolean> measured = new CopyOnWriteArrayList<>();
      return new StreamObserver<>() {
        private boolean over;

        @Override
        public void onNext(ProbeLinkRequest request) {
          bytes.addAndGet(request.getPayload().size());
          if (!request.getPayload().isEmpty()) {
            measured.add(request.getMeasured());
          }
          if (measured.size() >= enough) {
            onCompleted();
          }
        }

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onCompleted() {
          if (over) {
            return;
          }
          over = true;
          if (!measured.isEmpty()) {
            streams.add(measured);
          }
          responses.onNext(
              ProbeLinkResponse.newBuilder()
                  .setMeasuredBytes(measuredBytes)
                  .setMeasuredTime(Durations.fromMillis(100))
                  .build());
          responses.onCompleted();
        }
      };
    }
  }
}
