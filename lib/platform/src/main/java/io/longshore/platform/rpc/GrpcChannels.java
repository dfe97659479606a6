package io.longshore.platform.rpc;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.WriteBufferWaterMark;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollSocketChannel;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.longshore.platform.config.ConfigurationException;
import io.longshore.platform.tls.Certificates;
import io.longshore.platform.tls.Credentials;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.tls.Role;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * Opens channels. The one place that decides how peers are reached and trusted.
 *
 * <p>No retries: callers know what may be repeated. No proxies: peers are on the nodes' own
 * networks. A peer that does not answer for 20 s counts as gone, or sooner if the tuning says so.
 */
public final class GrpcChannels {
  private static final int KEEPALIVE_SECONDS = 10;
  private static final int MAX_TRAILERS = 64 * 1024;

  private final OpenTelemetry telemetry;
  private final Credentials credentials;
  // Making one takes milliseconds, and those of one peer are alike.
  private final Map<Trusted, SslContext> contexts = new ConcurrentHashMap<>();

  private record Trusted(Role role, Optional<String> node) {}

  /** Channels whose traced calls are spans of this telemetry. */
  public GrpcChannels(OpenTelemetry telemetry, Credentials credentials) {
    this.telemetry = telemetry;
    this.credentials = credentials;
  }

  /** A channel for calls. See {@link #open(Destination, String, TransportTuning)}. */
  public ManagedChannel open(Destination peer, String name) {
    return open(peer, name, TransportTuning.CONTROL);
  }

  /**
   * A channel of its own TCP connection, which is made at the first call. The caller closes it:
   * {@link #close}.
   *
   * @param name names the threads that run its callbacks
   * @throws ConfigurationException without certificates, for an address that is not loopback
   */
  public ManagedChannel open(Destination peer, String name, TransportTuning tuning) {
    return builder(peer, name, tuning).build();
  }

  /** As {@link #open(Destination, String, TransportTuning)}, on network threads of its own. */
  public ManagedChannel open(
      Destination peer, String name, TransportTuning tuning, EventLoops loops) {
    return builder(peer, name, tuning)
        .eventLoopGroup(loops.group())
        .channelType(EpollSocketChannel.class)
        .build();
  }

  private NettyChannelBuilder builder(Destination peer, String name, TransportTuning tuning) {
    NettyChannelBuilder builder =
        NettyChannelBuilder.forTarget("dns:///" + peer.address())
            .disableRetry()
            .disableServiceConfigLookUp()
            .proxyDetector(address -> null)
            .maxInboundMessageSize(tuning.maxInboundMessage().toIntExact())
            .maxInboundMetadataSize(MAX_TRAILERS)
            .flowControlWindow(tuning.flowControlWindow().toIntExact())
            .withOption(ChannelOption.TCP_NODELAY, true)
            .keepAliveTime(KEEPALIVE_SECONDS, TimeUnit.SECONDS)
            .keepAliveTimeout(KEEPALIVE_SECONDS, TimeUnit.SECONDS)
            .keepAliveWithoutCalls(true)
            .intercept(new ClientTracing(telemetry));
    switch (credentials) {
      case Certificates certificates ->
          builder.sslContext(
              contexts.computeIfAbsent(
                  new Trusted(peer.role(), peer.node()),
                  trusted -> SslContexts.client(certificates, trusted.role(), trusted.node())));
      case PlaintextOnLoopback plaintext -> {
        plaintext.check("the " + peer.role() + " would be called", peer.address());
        builder.usePlaintext();
      }
    }
    tuning.silenceOptions().forEach(builder::withOption);
    if (tuning.silence() != null) {
      // gRPC makes this the connection's TCP_USER_TIMEOUT, whatever the options say.
      builder.keepAliveTimeout(tuning.silence().toNanos(), TimeUnit.NANOSECONDS);
    }
    if (tuning.hasLargeFrames()) {
      // Nothing longer than what may wait here becomes a frame, and what waits is written at once.
      int bytes = tuning.maxFrame().toIntExact();
      builder.withOption(
          ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(bytes, 2 * bytes));
    }
    if (tuning.directCallbacks()) {
      builder.directExecutor();
    } else {
      builder.executor(callbacks(name));
    }
    return builder;
  }

  /** Refuses new calls on the channel, waits so long for those under way, then cancels them. */
  public static void close(ManagedChannel channel, Duration patience) throws InterruptedException {
    channel.shutdown();
    if (!channel.awaitTermination(patience.toMillis(), TimeUnit.MILLISECONDS)) {
      channel.shutdownNow();
      channel.awaitTermination(patience.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  // Holds no thread and needs no closing: a virtual thread per callback, ending with it.
  private static Executor callbacks(String name) {
    Thread.Builder.OfVirtual threads = Thread.ofVirtual().name(name + "-callback-", 0);
    return task -> threads.start(task);
  }
}
