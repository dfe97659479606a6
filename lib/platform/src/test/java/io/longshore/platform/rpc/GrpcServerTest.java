package io.longshore.platform.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.channelz.v1.ChannelzGrpc;
import io.grpc.channelz.v1.GetServersRequest;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.StreamObserver;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.ByteSize;
import io.longshore.platform.value.HostPort;
import io.longshore.v1.GetMigrationRequest;
import io.longshore.v1.GetMigrationResponse;
import io.longshore.v1.Migration;
import io.longshore.v1.MigrationServiceGrpc;
import io.longshore.v1.MigrationServiceGrpc.MigrationServiceBlockingStub;
import io.opentelemetry.api.OpenTelemetry;
import java.io.IOException;
import java.net.ConnectException;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On a real port. */
@Timeout(60)
final class GrpcServerTest {
  private static final HostPort ANY = new HostPort("127.0.0.1", 0);

  private final CountDownLatch entered = new CountDownLatch(1);
  private final CountDownLatch release = new CountDownLatch(1);
  private final BlockingQueue<Thread> callers = new ArrayBlockingQueue<>(10);
  private AutoCloseable channel = () -> {};
  private AutoCloseable server = () -> {};

  @AfterEach
  void close() throws Exception {
    channel.close();
    server.close();
  }

  @Test
  void listsItsServicesByReflection() throws Exception {
    ManagedChannel peer = connect(start(TransportTuning.CONTROL), TransportTuning.CONTROL);
    BlockingQueue<List<String>> answers = new ArrayBlockingQueue<>(1);
    StreamObserver<ServerReflectionRequest> requests =
        ServerReflectionGrpc.newStub(peer)
            .serverReflectionInfo(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ServerReflectionResponse value) {
                    answers.add(
                        value.getListServicesResponse().getServiceList().stream()
                            .map(io.grpc.reflection.v1.ServiceResponse::getName)
                            .toList());
                  }

                  @Override
                  public void onError(Throwable t) {
                    answers.add(List.of(t.toString()));
                  }

                  @Override
                  public void onCompleted() {}
                });
    requests.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
    requests.onCompleted();

    assertThat(answers.poll(10, TimeUnit.SECONDS))
        .contains(
            "longshore.v1.MigrationService",
            "grpc.health.v1.Health",
            "grpc.channelz.v1.Channelz",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection");
  }

  @Test
  void answersHealthChecks() throws Exception {
    GrpcServer started = start(TransportTuning.CONTROL);
    HealthGrpc.HealthBlockingStub health =
        HealthGrpc.newBlockingStub(connect(started, TransportTuning.CONTROL));

    assertThat(health.check(HealthCheckRequest.getDefaultInstance()).getStatus())
        .isEqualTo(ServingStatus.SERVING);
    started.setServing(false);
    assertThat(health.check(HealthCheckRequest.getDefaultInstance()).getStatus())
        .isEqualTo(ServingStatus.NOT_SERVING);
  }

  @Test
  void answersChannelz() throws Exception {
    ManagedChannel peer = connect(start(TransportTuning.CONTROL), TransportTuning.CONTROL);

    assertThat(
            ChannelzGrpc.newBlockingStub(peer)
                .getServers(GetServersRequest.getDefaultInstance())
                .getServerList())
        .isNotEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void runsCallbacksOnVirtualThreadsUnlessTheyAreDirect(boolean direct) throws Exception {
    TransportTuning tuning = TransportTuning.CONTROL.withDirectCallbacks(direct);
    release.countDown();

    stub(connect(start(tuning), tuning)).getMigration(id("m"));

    assertThat(callers.take().isVirtual()).isEqualTo(!direct);
  }

  @Test
  void letsACallUnderWayFinishWhenItStops() throws Exception {
    GrpcServer started = start(TransportTuning.CONTROL, Duration.ofSeconds(30));
    MigrationServiceBlockingStub stub = stub(connect(started, TransportTuning.CONTROL));
    FutureTask<GetMigrationResponse> call = new FutureTask<>(() -> stub.getMigration(id("m")));
    Thread.ofVirtual().start(call);
    entered.await();
    FutureTask<Boolean> stop =
        new FutureTask<>(
            () -> {
              started.stop();
              return true;
            });
    Thread.ofVirtual().start(stop);
    Awaitility.await().until(() -> isRefused(started.address()));
    release.countDown();

    assertThat(call.get(10, TimeUnit.SECONDS).getMigration().getId()).isEqualTo("m");
    assertThat(stop.get(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void cancelsACallThatDoesNotFinishInTime() throws Exception {
    GrpcServer started = start(TransportTuning.CONTROL);
    MigrationServiceBlockingStub stub = stub(connect(started, TransportTuning.CONTROL));
    FutureTask<GetMigrationResponse> call = new FutureTask<>(() -> stub.getMigration(id("m")));
    Thread.ofVirtual().start(call);
    entered.await();

    long before = System.nanoTime();
    started.stop();

    assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(5));
    assertThatThrownBy(() -> call.get(10, TimeUnit.SECONDS))
        .hasCauseInstanceOf(StatusRuntimeException.class);
  }

  @Test
  void namesTheAddressThatItCannotListenOn() throws Exception {
    HostPort taken = start(TransportTuning.CONTROL).address();
    GrpcServer second = GrpcServer.builder("second", taken, new PlaintextOnLoopback()).build();

    assertThatIOException()
        .isThrownBy(second::start)
        .withMessageContaining("second cannot listen on " + taken);
    second.stop();
  }

  @Test
  void refusesMessagesThatAreTooLong() throws Exception {
    TransportTuning small = TransportTuning.CONTROL.withMaxInboundMessage(ByteSize.ofKibibytes(64));
    release.countDown();
    MigrationServiceBlockingStub stub = stub(connect(start(small), TransportTuning.CONTROL));

    assertThat(stub.getMigration(id("x".repeat(60_000)))).isNotNull();
    assertThatThrownBy(() -> stub.getMigration(id("x".repeat(70_000))))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED));
  }

  @Test
  void carriesMessagesOfOneMebibyteInBulk() throws Exception {
    release.countDown();
    MigrationServiceBlockingStub stub =
        stub(connect(start(TransportTuning.BULK.withDirectCallbacks(false)), TransportTuning.BULK));
    String id = ByteString.copyFrom(new byte[1 << 20]).toStringUtf8();

    assertThat(stub.getMigration(id(id)).getMigration().getId()).isEqualTo(id);
  }

  @Test
  void isNamedByThoseWhoCannotReachIt() throws Exception {
    GrpcServer started = start(TransportTuning.CONTROL);
    HostPort address = started.address();
    started.stop();
    MigrationServiceBlockingStub stub = stub(connect(address, TransportTuning.CONTROL));

    assertThatThrownBy(
            () ->
                RemoteCalls.call("source-agent a at " + address, () -> stub.getMigration(id("m"))))
        .isInstanceOfSatisfying(
            LongshoreException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.AGENT_UNREACHABLE))
        .hasMessageContaining("Cannot reach source-agent a at " + address)
        .hasMessageContaining("Connection refused");
  }

  private static boolean isRefused(HostPort address) throws IOException {
    try (Socket socket = new Socket(address.host(), address.port())) {
      return !socket.isConnected();
    } catch (ConnectException e) {
      return true;
    }
  }

  private GrpcServer start(TransportTuning tuning) throws Exception {
    return start(tuning, Duration.ofMillis(500));
  }

  private GrpcServer start(TransportTuning tuning, Duration patience) throws Exception {
    GrpcServer started =
        GrpcServer.builder("test", ANY, new PlaintextOnLoopback())
            .add(new Waiting())
            .tuning(tuning)
            .patience(patience)
            .build();
    server = started::stop;
    started.start();
    return started;
  }

  private ManagedChannel connect(GrpcServer peer, TransportTuning tuning) {
    return connect(peer.address(), tuning);
  }

  private ManagedChannel connect(HostPort peer, TransportTuning tuning) {
    ManagedChannel opened =
        new GrpcChannels(OpenTelemetry.noop(), new PlaintextOnLoopback())
            .open(Destination.coordinator(peer), "test-client", tuning);
    channel = () -> GrpcChannels.close(opened, Duration.ofMillis(200));
    return opened;
  }

  private static MigrationServiceBlockingStub stub(ManagedChannel peer) {
    return MigrationServiceGrpc.newBlockingStub(peer).withDeadlineAfter(Duration.ofSeconds(10));
  }

  private static GetMigrationRequest id(String id) {
    return GetMigrationRequest.newBuilder().setMigrationId(id).build();
  }

  /** Answers when it is released. */
  private final class Waiting extends MigrationServiceGrpc.MigrationServiceImplBase {
    @Override
    public void getMigration(
        GetMigrationRequest request, StreamObserver<GetMigrationResponse> observer) {
      callers.add(Thread.currentThread());
      entered.countDown();
      try {
        release.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
      observer.onNext(
          GetMigrationResponse.newBuilder()
              .setMigration(Migration.newBuilder().setId(request.getMigrationId()))
              .build());
      observer.onCompleted();
    }
  }
}
