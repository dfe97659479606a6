package io.longshore.platform.rpc;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.protobuf.services.ChannelzService;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.longshore.platform.lifecycle.Component;
import io.longshore.platform.value.HostPort;
import io.opentelemetry.api.OpenTelemetry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A gRPC server with what every Longshore server has: reflection, health, channelz, errors mapped
 * by {@link ErrorInterceptor}, a span for every traced call, and limits. Callbacks run on virtual
 * threads, one call's in order, unless {@link TransportTuning#directCallbacks} says otherwise.
 *
 * <p>Thread-safe. Can be started once.
 */
public final class GrpcServer implements Component {
  private static final Logger log = LoggerFactory.getLogger(GrpcServer.class);
  private static final int CHANNELZ_PAGE = 100;

  private final String name;
  private final HostPort listen;
  private final TransportTuning tuning;
  private final OpenTelemetry telemetry;
  private final Duration patience;
  private final List<ServerServiceDefinition> services;
  private final HealthStatusManager health = new HealthStatusManager();
  private final ExecutorService executor;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private @Nullable Server server;

  private GrpcServer(Builder builder) {
    this.name = builder.name;
    this.listen = builder.listen;
    this.tuning = builder.tuning;
    this.telemetry = builder.telemetry;
    this.patience = builder.patience;
    this.services = List.copyOf(builder.services);
    this.executor =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name(name + "-rpc-", 0).factory());
  }

  /**
   * Begins a server.
   *
   * @param name names its threads and its log lines
   * @param listen where; port 0 lets the kernel choose
   */
  public static Builder builder(String name, HostPort listen) {
    return new Builder(name, listen);
  }

  /**
   * Listens. Health is SERVING from here.
   *
   * @throws IOException naming the address, if it cannot be listened on
   */
  @Override
  public void start() throws IOException {
    synchronized (lock) {
      if (server != null) {
        throw new IllegalStateException(name + " was started before");
      }
      Server created = create();
      try {
        created.start();
      } catch (IOException e) {
        throw new IOException(name + " cannot listen on " + listen + ": " + rootMessage(e), e);
      }
      server = created;
    }
    log.info("{} listens on {}", name, address());
  }

  /**
   * Refuses new calls, lets those under way end for as long as the builder's patience, then cancels
   * them. Returns when no call is left.
   */
  @Override
  public void stop() throws InterruptedException {
    Server running;
    synchronized (lock) {
      running = server;
    }
    health.enterTerminalState();
    if (running != null) {
      running.shutdown();
      if (!running.awaitTermination(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        running.shutdownNow();
        running.awaitTermination(patience.toMillis(), TimeUnit.MILLISECONDS);
      }
    }
    executor.shutdownNow();
  }

  /**
   * Where it listens, with the port that was bound.
   *
   * @throws IllegalStateException before start
   */
  public HostPort address() {
    synchronized (lock) {
      if (server == null) {
        throw new IllegalStateException(name + " was not started");
      }
      return listen.withPort(server.getPort());
    }
  }

  /** Names what answers health checks for the whole server (service name ""): SERVING or not. */
  public void setServing(boolean serving) {
    health.setStatus(
        HealthStatusManager.SERVICE_NAME_ALL_SERVICES,
        serving
            ? io.grpc.health.v1.HealthCheckResponse.ServingStatus.SERVING
            : io.grpc.health.v1.HealthCheckResponse.ServingStatus.NOT_SERVING);
  }

  // v1alpha reflection is deprecated, but installed grpcurl versions still ask for it first.
  @SuppressWarnings("deprecation")
  private Server create() {
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(new InetSocketAddress(listen.host(), listen.port()))
            .maxInboundMessageSize(tuning.maxInboundMessage().toIntExact())
            .flowControlWindow(tuning.flowControlWindow().toIntExact())
            .withChildOption(ChannelOption.TCP_NODELAY, true)
            .permitKeepAliveTime(5, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .intercept(new ErrorInterceptor())
            .intercept(new ServerTracing(telemetry));
    if (tuning.directCallbacks()) {
      builder.directExecutor();
    } else {
      builder.executor(executor);
    }
    services.forEach(builder::addService);
    return builder
        .addService(health.getHealthService())
        .addService(ChannelzService.newInstance(CHANNELZ_PAGE))
        .addService(ProtoReflectionServiceV1.newInstance())
        .addService(io.grpc.protobuf.services.ProtoReflectionService.newInstance())
        .build();
  }

  private static String rootMessage(Throwable thrown) {
    Throwable root = thrown;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }

  /** Collects what a server serves. */
  public static final class Builder {
    private final String name;
    private final HostPort listen;
    private final List<ServerServiceDefinition> services = new ArrayList<>();
    private TransportTuning tuning = TransportTuning.CONTROL;
    private OpenTelemetry telemetry = OpenTelemetry.noop();
    private Duration patience = Duration.ofSeconds(5);

    private Builder(String name, HostPort listen) {
      this.name = name;
      this.listen = listen;
    }

    /** Adds a service. */
    @CanIgnoreReturnValue
    public Builder add(BindableService service) {
      return add(service.bindService());
    }

    /** Adds a service, perhaps with its own marshallers. */
    @CanIgnoreReturnValue
    public Builder add(ServerServiceDefinition service) {
      services.add(service);
      return this;
    }

    /** Instead of {@link TransportTuning#CONTROL}. */
    @CanIgnoreReturnValue
    public Builder tuning(TransportTuning newTuning) {
      tuning = newTuning;
      return this;
    }

    /** Where spans go; none if not called. */
    @CanIgnoreReturnValue
    public Builder telemetry(OpenTelemetry newTelemetry) {
      telemetry = newTelemetry;
      return this;
    }

    /** How long {@link GrpcServer#stop} waits for calls under way; 5 s if not called. */
    @CanIgnoreReturnValue
    public Builder patience(Duration newPatience) {
      patience = newPatience;
      return this;
    }

    /** The server, not yet started. */
    public GrpcServer build() {
      return new GrpcServer(this);
    }
  }
}
