package io.longshore.acceptance.testbed;

import static org.awaitility.Awaitility.await;

import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.longshore.v1.CancelMigrationRequest;
import io.longshore.v1.CreateMigrationRequest;
import io.longshore.v1.GetMigrationRequest;
import io.longshore.v1.ListNodesRequest;
import io.longshore.v1.Migration;
import io.longshore.v1.MigrationServiceGrpc;
import io.longshore.v1.MigrationServiceGrpc.MigrationServiceBlockingStub;
import io.longshore.v1.MigrationSpec;
import io.longshore.v1.Node;
import io.longshore.v1.NodeServiceGrpc;
import io.longshore.v1.Resolution;
import io.longshore.v1.ResolveMigrationRequest;
import io.longshore.v1.UpdateMigrationRequest;
import io.longshore.v1.WatchMigrationRequest;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The coordinator without the start of a command for each call, which a test that reacts within
 * milliseconds cannot wait for. Its network is entered by a relay. While it is down calls are made
 * again until it answers.
 */
final class CoordinatorCalls implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final Process relay;
  private final ManagedChannel channel;

  private CoordinatorCalls(Process relay, ManagedChannel channel) {
    this.relay = relay;
    this.channel = channel;
  }

  static CoordinatorCalls to(Testbed testbed) {
    try {
      int port = freePort();
      Process relay =
          new ProcessBuilder(
                  "socat",
                  "TCP-LISTEN:%d,bind=127.0.0.1,reuseaddr,fork".formatted(port),
                  "EXEC:nsenter --net=/run/netns/%s-client socat - TCP\\:10.77.0.2\\:7700"
                      .formatted(testbed.name()))
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      File certificates = new File(testbed.certificates("operator"));
      ManagedChannel channel =
          Grpc.newChannelBuilder(
                  "127.0.0.1:" + port,
                  TlsChannelCredentials.newBuilder()
                      .keyManager(
                          new File(certificates, "tls.crt"), new File(certificates, "tls.key"))
                      .trustManager(new File(certificates, "ca.crt"))
                      .build())
              .overrideAuthority("10.77.0.2")
              .build();
      return new CoordinatorCalls(relay, channel);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** Starts a migration; the id of the request makes the repetition safe. */
  Migration create(String requestId, MigrationSpec spec) {
    CreateMigrationRequest request =
        CreateMigrationRequest.newBuilder().setRequestId(requestId).setSpec(spec).build();
    return untilAnswered(() -> migrations().createMigration(request).getMigration());
  }

  Migration get(String id) {
    GetMigrationRequest request = GetMigrationRequest.newBuilder().setMigrationId(id).build();
    return untilAnswered(() -> migrations().getMigration(request).getMigration());
  }

  /** Lifts the limit of its bandwidth, unless it is over. */
  void unlimit(String id) {
    UpdateMigrationRequest request =
        UpdateMigrationRequest.newBuilder().setMigrationId(id).setMaxBandwidth(0).build();
    isAccepted(() -> migrations().updateMigration(request));
  }

  /** Whether it is accepted: it is too late after the step. */
  boolean cancel(String id) {
    CancelMigrationRequest request = CancelMigrationRequest.newBuilder().setMigrationId(id).build();
    return isAccepted(() -> migrations().cancelMigration(request));
  }

  /** Whether it is accepted: not if the migration has gone on from that state. */
  boolean resolve(String id, Resolution resolution, Migration.State state) {
    ResolveMigrationRequest request =
        ResolveMigrationRequest.newBuilder()
            .setMigrationId(id)
            .setResolution(resolution)
            .setAccept(true)
            .setState(state)
            .build();
    return isAccepted(() -> migrations().resolveMigration(request));
  }

  private boolean isAccepted(Supplier<?> call) {
    try {
      untilAnswered(call::get);
      return true;
    } catch (StatusRuntimeException e) {
      if (e.getStatus().getCode() == Status.Code.FAILED_PRECONDITION) {
        return false;
      }
      throw e;
    }
  }

  /** Gives every snapshot away until the migration is done or the time is over. */
  void follow(String id, Duration limit, Consumer<Migration> seen) {
    long end = System.nanoTime() + limit.toNanos();
    WatchMigrationRequest request = WatchMigrationRequest.newBuilder().setMigrationId(id).build();
    AtomicReference<@Nullable Migration> last = new AtomicReference<>();
    while (System.nanoTime() < end && (last.get() == null || !last.get().getDone())) {
      try {
        MigrationServiceGrpc.newBlockingStub(channel)
            .withDeadlineAfter(end - System.nanoTime(), TimeUnit.NANOSECONDS)
            .watchMigration(request)
            .forEachRemaining(
                response -> {
                  last.set(response.getMigration());
                  seen.accept(response.getMigration());
                });
      } catch (StatusRuntimeException e) {
        if (!isNoAnswer(e)) {
          throw e;
        }
        // It is down: the next call waits until it is up.
        get(id);
      }
    }
  }

  /** Waits until a workload can be moved from any node. */
  void awaitNodes() {
    Testbed.NODES.forEach(this::awaitNode);
  }

  /** Waits until a node can be used, its self-test over. */
  void awaitNode(String name) {
    await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(50))
        .until(
            () -> {
              List<Node> nodes =
                  untilAnswered(
                          () ->
                              NodeServiceGrpc.newBlockingStub(channel)
                                  .withDeadlineAfter(5, TimeUnit.SECONDS)
                                  .listNodes(ListNodesRequest.getDefaultInstance()))
                      .getNodesList();
              return nodes.stream()
                  .anyMatch(
                      node ->
                          node.getName().equals(name) && node.getState() == Node.State.STATE_READY);
            });
  }

  private MigrationServiceBlockingStub migrations() {
    return MigrationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  private <T> T untilAnswered(Supplier<T> call) {
    AtomicReference<@Nullable T> answer = new AtomicReference<>();
    await()
        .atMost(PATIENCE)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(50))
        .pollInSameThread()
        .until(
            () -> {
              try {
                answer.set(call.get());
                return true;
              } catch (StatusRuntimeException e) {
                if (!isNoAnswer(e)) {
                  throw e;
                }
                // Not after the pause that doubles.
                channel.resetConnectBackoff();
                return false;
              }
            });
    return Objects.requireNonNull(answer.get());
  }

  private static boolean isNoAnswer(StatusRuntimeException e) {
    return switch (e.getStatus().getCode()) {
      case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, UNKNOWN -> true;
      default -> false;
    };
  }

  @Override
  public void close() {
    channel.shutdownNow();
    relay.descendants().forEach(ProcessHandle::destroyForcibly);
    relay.destroyForcibly();
  }
}
