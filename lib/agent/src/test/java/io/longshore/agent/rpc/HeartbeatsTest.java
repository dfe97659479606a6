package io.longshore.agent.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.util.Durations;
import io.grpc.stub.StreamObserver;
import io.longshore.agent.host.AgentIdentity;
import io.longshore.agent.host.AgentIdentity.Role;
import io.longshore.agent.host.NodeFacts;
import io.longshore.agent.v1.AgentRole;
import io.longshore.agent.v1.HeartbeatRequest;
import io.longshore.agent.v1.HeartbeatResponse;
import io.longshore.agent.v1.NodeRegistryServiceGrpc;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Against a registry on a real port. */
@Timeout(60)
final class HeartbeatsTest {
  private static final NodeFacts FACTS =
      new NodeFacts("x86_64", Set.of("avx"), "6.18", "4.2.1", true, List.of("process"), 5, 10);

  private final Registry registry = new Registry();
  private GrpcServer server = server(0);
  private Heartbeats heartbeats =
      heartbeats(Role.SOURCE, new HostPort("127.0.0.1", 1), () -> FACTS);

  @AfterEach
  void stop() throws Exception {
    heartbeats.stop();
    server.stop();
  }

  @Test
  void saysWhoItIsAndWhatItsHostCanDo() throws Exception {
    server.start();
    begin(Role.TARGET, () -> FACTS);
    HeartbeatRequest beat = registry.beat(0);
    assertThat(beat.getNode()).isEqualTo("a");
    assertThat(beat.getRole()).isEqualTo(AgentRole.AGENT_ROLE_TARGET);
    assertThat(beat.getEndpoint()).isEqualTo("127.0.0.1:7702");
    assertThat(beat.getVersion()).isEqualTo("0.1.0");
    assertThat(FactsMessages.node(beat.getCapabilities())).isEqualTo(FACTS);
  }

  @Test
  void comesAsOftenAsTheCoordinatorWishes() throws Exception {
    registry.interval = Duration.ofMillis(200);
    server.start();
    begin(Role.SOURCE, () -> FACTS);
    registry.beat(5);
    // 5 intervals of 200 ms; neither at the retry's second nor at the shortest 100 ms.
    assertThat(registry.between(0, 5)).isBetween(Duration.ofMillis(900), Duration.ofMillis(4000));
    registry.interval = Duration.ofSeconds(30);
    int soFar = registry.beats.size();
    registry.beat(soFar);
    int after = registry.beats.size();
    await().during(Duration.ofMillis(1500)).until(() -> registry.beats.size() <= after + 1);
  }

  @Test
  void doesNotFloodACoordinatorThatWishesNothing() throws Exception {
    registry.interval = Duration.ZERO;
    server.start();
    begin(Role.SOURCE, () -> FACTS);
    registry.beat(5);
    assertThat(registry.between(0, 5)).isGreaterThanOrEqualTo(Duration.ofMillis(450));
  }

  @Test
  void comesBackSoonWhenTheCoordinatorDoes() throws Exception {
    registry.interval = Duration.ofMillis(100);
    server.start();
    HostPort address = server.address();
    begin(Role.SOURCE, () -> FACTS);
    registry.beat(0);
    server.stop();
    int before = registry.beats.size();
    // Long enough for gRPC's own pauses between attempts to connect to have become long.
    TimeUnit.SECONDS.sleep(6);
    server = server(address.port());
    server.start();
    await().atMost(Duration.ofMillis(2500)).until(() -> registry.beats.size() > before);
  }

  @Test
  void triesAgainWhenTheCoordinatorRefuses() throws Exception {
    registry.refusing.set(true);
    server.start();
    begin(Role.SOURCE, () -> FACTS);
    registry.beat(1);
    registry.refusing.set(false);
    registry.interval = Duration.ofMillis(100);
    registry.beat(4);
  }

  @Test
  void goesOnWhenTheHostCannotBeLookedAt() throws Exception {
    AtomicBoolean broken = new AtomicBoolean(true);
    server.start();
    begin(
        Role.SOURCE,
        () -> {
          if (broken.getAndSet(false)) {
            throw new IllegalStateException("no /proc, says this test");
          }
          return FACTS;
        });
    registry.beat(0);
  }

  @Test
  void endsWithStop() throws Exception {
    registry.interval = Duration.ofMillis(100);
    server.start();
    begin(Role.SOURCE, () -> FACTS);
    registry.beat(0);
    heartbeats.stop();
    int after = registry.beats.size();
    await().during(Duration.ofMillis(500)).until(() -> registry.beats.size() == after);
  }

  private void begin(Role role, Supplier<NodeFacts> facts) {
    heartbeats = heartbeats(role, server.address(), facts);
    heartbeats.start();
  }

  private GrpcServer server(int port) {
    return GrpcServer.builder(
            "registry", new HostPort("127.0.0.1", port), new PlaintextOnLoopback())
        .patience(Duration.ofSeconds(1))
        .add(registry)
        .build();
  }

  private static Heartbeats heartbeats(Role role, HostPort coordinator, Supplier<NodeFacts> facts) {
    return new Heartbeats(
        new GrpcChannels(OpenTelemetry.noop(), new PlaintextOnLoopback()),
        coordinator,
        new AgentIdentity("a", role, new HostPort("127.0.0.1", 7702), "0.1.0"),
        facts);
  }

  private record Beat(HeartbeatRequest request, long nanos) {}

  private static final class Registry extends NodeRegistryServiceGrpc.NodeRegistryServiceImplBase {
    final List<Beat> beats = new CopyOnWriteArrayList<>();
    final AtomicBoolean refusing = new AtomicBoolean();
    volatile Duration interval = Duration.ofMillis(100);

    @Override
    public void heartbeat(HeartbeatRequest request, StreamObserver<HeartbeatResponse> responses) {
      beats.add(new Beat(request, System.nanoTime()));
      if (refusing.get()) {
        throw new LongshoreException(Reason.INVALID_ARGUMENT, "not now");
      }
      responses.onNext(
          HeartbeatResponse.newBuilder()
              .setInterval(Durations.fromMillis(interval.toMillis()))
              .build());
      responses.onCompleted();
    }

    HeartbeatRequest beat(int index) {
      await().atMost(Duration.ofSeconds(15)).until(() -> beats.size() > index);
      return beats.get(index).request();
    }

    Duration between(int first, int last) {
      return Duration.ofNanos(beats.get(last).nanos() - beats.get(first).nanos());
    }
  }
}
