package io.longshore.platform.rpc;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.BindableService;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallExecutorSupplier;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServerStreamTracer;
import io.grpc.netty.shaded.io.grpc.netty.InternalProtocolNegotiator.ProtocolNegotiator;
import io.grpc.netty.shaded.io.grpc.netty.InternalProtocolNegotiators;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerSocketChannel;
import io.grpc.protobuf.services.ChannelzService;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.longshore.platform.config.ConfigurationException;
import io.longshore.platform.lifecycle.Component;
import io.longshore.platform.tls.Certificates;
import io.longshore.platform.tls.Credentials;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.opentelemetry.api.OpenTelemetry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A gRPC server with what every Longshore server has: TLS, the decision who may make which call
 * ({@link AccessInterceptor}), an audit log, reflection, health, channelz, errors mapped by {@link
 * ErrorInterceptor}, a span for every traced call, and limits. Callbacks run on virtual threads,
 * one call's in order, unless {@link TransportTuning#directCallbacks} says otherwise.
 *
 * <p>Thread-safe. Can be started once.
 */
public final class GrpcServer implements Component {
  private static final Logger log = LoggerFactory.getLogger(GrpcServer.class);
  private static final int CHANNELZ_PAGE = 100;
  private static final ServerStreamTracer.Factory NOTHING_STARTED =
      new ServerStreamTracer.Factory() {
        @Override
        public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
          return new ServerStreamTracer() {};
        }
      };
  // Calls under way go on; new ones are made over a new connection, with the certificates of then.
  private static final int CONNECTION_AGE_MINUTES = 60;
  private static final int HANDSHAKE_SECONDS = 10;

  private final String name;
  private final HostPort listen;
  private final Credentials credentials;
  private final TransportTuning tuning;
  private final OpenTelemetry telemetry;
  private final Duration patience;
  private final List<ServerServiceDefinition> services;
  private final HealthStatusManager health = new HealthStatusManager();
  private final ExecutorService executor;
  private final @Nullable Function<String, Executor> executors;
  private final @Nullable EventLoops loops;
  private final ServerStreamTracer.Factory started;
  private final FirstMessageLimit firstMessage;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private @Nullable Server server;

  private GrpcServer(Builder builder) {
    this.name = builder.name;
    this.listen = builder.listen;
    this.credentials = builder.credentials;
    this.tuning = builder.tuning;
    this.telemetry = builder.telemetry;
    this.patience = builder.patience;
    this.services = List.copyOf(builder.services);
    this.executors = builder.executors;
    this.loops = builder.loops;
    this.started = builder.started;
    this.executor =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name(name + "-rpc-", 0).factory());
    this.firstMessage = new FirstMessageLimit(name, builder.firstMessage);
  }

  /**
   * Begins a server.
   *
   * @param name names its threads and its log lines
   * @param listen where; port 0 lets the kernel choose
   * @param credentials of this program; without certificates it listens on loopback only
   */
  public static Builder builder(String name, HostPort listen, Credentials credentials) {
    return new Builder(name, listen, credentials);
  }

  /**
   * Listens. Health is SERVING from here.
   *
   * @throws IOException naming the address, if it cannot be listened on
   * @throws ConfigurationException without certificates, for an address that is not loopback
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
    firstMessage.close();
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
            .handshakeTimeout(HANDSHAKE_SECONDS, TimeUnit.SECONDS)
            .maxConnectionAge(CONNECTION_AGE_MINUTES, TimeUnit.MINUTES)
            .addTransportFilter(Caller.reader(credentials))
            // The last is the outermost.
            .intercept(firstMessage)
            .intercept(new AccessInterceptor(AccessTable.LONGSHORE))
            .intercept(new ErrorInterceptor())
            .intercept(new AuditLog(AccessTable.LONGSHORE))
            .intercept(new ServerTracing(telemetry));
    ProtocolNegotiator negotiator =
        switch (credentials) {
          case Certificates certificates ->
              InternalProtocolNegotiators.serverTls(SslContexts.server(certificates));
          case PlaintextOnLoopback plaintext -> {
            plaintext.check(name + " would listen", listen);
            yield InternalProtocolNegotiators.serverPlaintext();
          }
        };
    if (tuning.hasLargeFrames()) {
      int bytes = tuning.maxFrame().toIntExact();
      negotiator = new LargeFrames(negotiator, bytes);
      builder.withChildOption(
          ChannelOption.RCVBUF_ALLOCATOR, new AdaptiveRecvByteBufAllocator(2048, 65536, bytes));
    }
    tuning.silenceOptions().forEach(builder::withChildOption);
    builder.protocolNegotiator(negotiator);
    if (tuning.directCallbacks()) {
      builder.directExecutor();
    } else {
      builder.executor(executor);
      Function<String, Executor> perMethod = executors;
      if (perMethod != null) {
        builder.callExecutor(
            new ServerCallExecutorSupplier() {
              @Override
              public <Q, R> Executor getExecutor(ServerCall<Q, R> call, Metadata headers) {
                return perMethod.apply(call.getMethodDescriptor().getFullMethodName());
              }
            });
      }
    }
    EventLoops own = loops;
    if (own != null) {
      builder
          .bossEventLoopGroup(own.group())
          .workerEventLoopGroup(own.group())
          .channelType(EpollServerSocketChannel.class)
          .addStreamTracerFactory(started);
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
    private final Credentials credentials;
    private final List<ServerServiceDefinition> services = new ArrayList<>();
    private TransportTuning tuning = TransportTuning.CONTROL;
    private OpenTelemetry telemetry = OpenTelemetry.noop();
    private Duration patience = Duration.ofSeconds(5);
    private Duration firstMessage = Duration.ofSeconds(10);
    private @Nullable Function<String, Executor> executors;
    private @Nullable EventLoops loops;
    private ServerStreamTracer.Factory started = NOTHING_STARTED;

    private Builder(String name, HostPort listen, Credentials credentials) {
      this.name = name;
      this.listen = listen;
      this.credentials = credentials;
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

    /**
     * Runs callbacks on executors of the caller's, who ends them; one call's callbacks run in
     * order.
     *
     * @param newExecutors from the full name of a method to what runs its callbacks
     */
    @CanIgnoreReturnValue
    public Builder executors(Function<String, Executor> newExecutors) {
      executors = newExecutors;
      return this;
    }

    /**
     * Serves on network threads of the caller's.
     *
     * @param newLoops how many threads there are bounds how many connections have one to themselves
     * @param onStart is told the full name of the method of each call that comes, on the thread of
     *     its connection; must not block
     */
    @CanIgnoreReturnValue
    public Builder loops(EventLoops newLoops, Consumer<String> onStart) {
      loops = newLoops;
      started =
          new ServerStreamTracer.Factory() {
            @Override
            public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
              onStart.accept(method);
              return new ServerStreamTracer() {};
            }
          };
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

    /** How long the first message of a call may take to come; 10 s if not called. */
    @CanIgnoreReturnValue
    public Builder firstMessageWithin(Duration limit) {
      firstMessage = limit;
      return this;
    }

    /** The server, not yet started. */
    public GrpcServer build() {
      return new GrpcServer(this);
    }
  }
}
