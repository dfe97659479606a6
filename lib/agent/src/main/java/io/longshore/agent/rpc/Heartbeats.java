package io.longshore.agent.rpc;

import com.google.protobuf.util.Durations;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.longshore.agent.host.AgentIdentity;
import io.longshore.agent.host.NodeFacts;
import io.longshore.agent.v1.AgentRole;
import io.longshore.agent.v1.HeartbeatRequest;
import io.longshore.agent.v1.HeartbeatResponse;
import io.longshore.agent.v1.NodeRegistryServiceGrpc;
import io.longshore.platform.lifecycle.Component;
import io.longshore.platform.rpc.Destination;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.value.HostPort;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the coordinator again and again that an agent is alive and what its host can do, as often
 * as the coordinator wishes. A coordinator that cannot be reached is tried again; the first failure
 * and the first success after it are logged.
 */
public final class Heartbeats implements Component {
  private static final Logger log = LoggerFactory.getLogger(Heartbeats.class);
  private static final Duration RETRY = Duration.ofSeconds(1);
  private static final Duration SHORTEST = Duration.ofMillis(100);
  private static final Duration DEADLINE = Duration.ofSeconds(5);

  private final GrpcChannels channels;
  private final HostPort coordinator;
  private final AgentIdentity agent;
  private final Supplier<NodeFacts> host;
  private final String instance = UUID.randomUUID().toString();
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("heartbeat").daemon().factory());
  private volatile @Nullable ManagedChannel channel;
  private boolean reached = true;

  /**
   * @param host what the agent's host can do now
   */
  public Heartbeats(
      GrpcChannels channels, HostPort coordinator, AgentIdentity agent, Supplier<NodeFacts> host) {
    this.channels = channels;
    this.coordinator = coordinator;
    this.agent = agent;
    this.host = host;
  }

  @Override
  public void start() {
    channel = channels.open(Destination.coordinator(coordinator), "heartbeat");
    clock.execute(this::beat);
  }

  @Override
  public void stop() throws InterruptedException {
    clock.shutdownNow();
    ManagedChannel open = channel;
    if (open != null) {
      GrpcChannels.close(open, RETRY);
    }
  }

  private void beat() {
    Duration next = RETRY;
    try {
      ManagedChannel open = channel;
      if (!reached && open != null) {
        // Else gRPC waits longer and longer, up to two minutes, before it tries to connect again.
        open.resetConnectBackoff();
      }
      next = say();
      if (!reached) {
        log.info("The coordinator at {} is reached again", coordinator);
      }
      reached = true;
    } catch (StatusRuntimeException e) {
      if (reached) {
        log.warn("Cannot reach the coordinator at {}: {}", coordinator, e.getStatus());
      }
      reached = false;
    } catch (RuntimeException e) {
      log.error("Cannot say what this host can do", e);
    }
    if (!clock.isShutdown()) {
      var _ = clock.schedule(this::beat, next.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private Duration say() {
    HeartbeatResponse response =
        NodeRegistryServiceGrpc.newBlockingStub(channel)
            .withDeadlineAfter(DEADLINE)
            .heartbeat(
                HeartbeatRequest.newBuilder()
                    .setNode(agent.node())
                    .setRole(
                        switch (agent.role()) {
                          case SOURCE -> AgentRole.AGENT_ROLE_SOURCE;
                          case TARGET -> AgentRole.AGENT_ROLE_TARGET;
                        })
                    .setEndpoint(agent.endpoint().toString())
                    .setVersion(agent.version())
                    .setCapabilities(FactsMessages.capabilities(host.get()))
                    .setInstance(instance)
                    .build());
    Duration wished = Duration.ofNanos(Durations.toNanos(response.getInterval()));
    return wished.compareTo(SHORTEST) < 0 ? SHORTEST : wished;
  }
}
