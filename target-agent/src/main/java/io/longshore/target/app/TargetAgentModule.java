package io.longshore.target.app;

import com.google.inject.AbstractModule;
import com.google.inject.Key;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import com.google.inject.name.Named;
import com.google.inject.name.Names;
import io.longshore.agent.host.AgentIdentity;
import io.longshore.agent.host.AgentIdentity.Role;
import io.longshore.agent.host.Host;
import io.longshore.agent.network.AddressRehearsal;
import io.longshore.agent.rpc.Heartbeats;
import io.longshore.linux.ThreadNiceness;
import io.longshore.platform.app.ServiceMain;
import io.longshore.platform.rpc.EventLoops;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.rpc.TransportTuning;
import io.longshore.platform.tls.Credentials;
import io.longshore.platform.value.HostPort;
import io.longshore.target.arrival.Arrivals;
import io.longshore.target.arrival.HostArrivalFactory;
import io.longshore.target.check.HostAddressCheck;
import io.longshore.target.check.TargetCheck;
import io.longshore.target.rpc.TargetAgentRpc;
import io.longshore.target.rpc.TransferRpc;
import io.longshore.transfer.v1.TransferServiceGrpc;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/** Wires the target-agent. */
final class TargetAgentModule extends AbstractModule {
  private static final String CONTROL = "control";
  private static final String TRANSFER = "transfer";

  // For the life of the process, without a thread while nothing comes.
  // Pages are installed under a lock that who answers faults needs: a thread that gives way to
  // others while it has the lock would keep them waiting.
  private static final Executor PAGES =
      Executors.newCachedThreadPool(ThreadNiceness.threads("pages", ThreadNiceness.NORMAL));
  private static final EventLoops LOOPS =
      new EventLoops(16, ThreadNiceness.threads("transfer-network", ThreadNiceness.NORMAL));
  private static final Executor WAITED_FOR =
      Executors.newCachedThreadPool(ThreadNiceness.threads("waited-for", ThreadNiceness.URGENT));

  @Override
  protected void configure() {
    var components = ServiceMain.components(binder());
    components.addBinding().to(AddressRehearsal.class);
    components.addBinding().to(Arrivals.class);
    components.addBinding().to(Key.get(GrpcServer.class, Names.named(TRANSFER)));
    components.addBinding().to(Key.get(GrpcServer.class, Names.named(CONTROL)));
    components.addBinding().to(Heartbeats.class);
  }

  @Provides
  @Singleton
  Host host(TargetAgentConfig config) throws InterruptedException {
    return Host.look(config.criu());
  }

  @Provides
  @Singleton
  Arrivals arrivals(TargetAgentConfig config, Host host) {
    return new Arrivals(new HostArrivalFactory(host, config.workFolder()));
  }

  @Provides
  @Singleton
  @Named(TRANSFER)
  GrpcServer transferServer(
      TargetAgentConfig config,
      Credentials credentials,
      Arrivals arrivals,
      OpenTelemetry telemetry) {
    return GrpcServer.builder("transfer", transfer(config), credentials)
        .telemetry(telemetry)
        // Callbacks store pages and write images: they block, so not on the network's threads.
        .tuning(TransportTuning.BULK.withDirectCallbacks(false))
        .executors(TargetAgentModule::callbacks)
        .loops(LOOPS, TargetAgentModule::hurry)
        .add(new TransferRpc(arrivals))
        .build();
  }

  @Provides
  @Singleton
  @Named(CONTROL)
  GrpcServer controlServer(
      TargetAgentConfig config,
      Credentials credentials,
      Host host,
      Arrivals arrivals,
      OpenTelemetry telemetry) {
    return GrpcServer.builder("target-agent", config.listen(), credentials)
        .telemetry(telemetry)
        .add(
            new TargetAgentRpc(
                arrivals,
                new TargetCheck(Path.of("/proc"), Path.of("/"), new HostAddressCheck()),
                host::facts,
                transfer(config)))
        .build();
  }

  @Provides
  @Singleton
  Heartbeats heartbeats(TargetAgentConfig config, Host host, GrpcChannels channels) {
    return new Heartbeats(
        channels,
        config.coordinator(),
        new AgentIdentity(config.node(), Role.TARGET, config.listen(), ServiceMain.version()),
        host::facts);
  }

  /** The network thread of a fault stream has, as a rule, no other connection. */
  private static void hurry(String method) {
    if (method.equals(TransferServiceGrpc.getServeFaultsMethod().getFullMethodName())) {
      ThreadNiceness.setForThisThread(ThreadNiceness.URGENT);
    }
  }

  /** Pages that a tenant's thread waits for, and images, come before the pages of the push. */
  private static Executor callbacks(String method) {
    return method.equals(TransferServiceGrpc.getSendPagesMethod().getFullMethodName())
        ? PAGES
        : WAITED_FOR;
  }

  private static HostPort transfer(TargetAgentConfig config) {
    return config.listen().withPort(config.transferPort());
  }
}
