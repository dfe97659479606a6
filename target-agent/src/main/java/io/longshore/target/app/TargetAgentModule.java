package io.longshore.target.app;

import com.google.inject.AbstractModule;
import com.google.inject.Key;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import com.google.inject.name.Named;
import com.google.inject.name.Names;
import io.longshore.agent.files.ConfinedProgram;
import io.longshore.agent.host.AgentIdentity;
import io.longshore.agent.host.AgentIdentity.Role;
import io.longshore.agent.host.Host;
import io.longshore.agent.journal.Journal;
import io.longshore.agent.network.AddressRehearsal;
import io.longshore.agent.rpc.Heartbeats;
import io.longshore.agent.runc.Runc;
import io.longshore.platform.app.ServiceMain;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.rpc.TransportTuning;
import io.longshore.platform.tls.Credentials;
import io.longshore.platform.value.HostPort;
import io.longshore.target.arrival.Arrivals;
import io.longshore.target.arrival.HostArrivalFactory;
import io.longshore.target.check.HostAddressCheck;
import io.longshore.target.check.TargetCheck;
import io.longshore.target.files.FileArrivals;
import io.longshore.target.rpc.TargetAgentRpc;
import io.longshore.target.rpc.TransferRpc;
import io.longshore.target.rpc.TransferThreads;
import io.longshore.target.runtime.PlainProcesses;
import io.longshore.target.runtime.RuncContainers;
import io.longshore.target.runtime.TargetRuntime;
import io.longshore.target.runtime.TargetRuntimes;
import io.opentelemetry.api.OpenTelemetry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Wires the target-agent. */
final class TargetAgentModule extends AbstractModule {
  private static final String CONTROL = "control";
  private static final String TRANSFER = "transfer";

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
  TargetRuntimes runtimes(Host host) {
    List<TargetRuntime> runtimes = new ArrayList<>(List.of(new PlainProcesses()));
    Runc.find().ifPresent(runc -> runtimes.add(new RuncContainers(runc, host::criu)));
    return new TargetRuntimes(runtimes);
  }

  @Provides
  @Singleton
  Arrivals arrivals(TargetAgentConfig config, Host host, TargetRuntimes runtimes) {
    return new Arrivals(new HostArrivalFactory(host, runtimes, config.workFolder()));
  }

  @Provides
  @Singleton
  FileArrivals files(TargetAgentConfig config) throws IOException {
    Path folder = config.workFolder().resolve(".files");
    return new FileArrivals(
        Journal.open(config.filesFolder()),
        new ConfinedProgram(folder),
        Files.createDirectories(folder.resolve("locks")));
  }

  @Provides
  @Singleton
  @Named(TRANSFER)
  GrpcServer transferServer(
      TargetAgentConfig config,
      Credentials credentials,
      Arrivals arrivals,
      FileArrivals files,
      OpenTelemetry telemetry) {
    TransferThreads threads = new TransferThreads();
    return GrpcServer.builder("transfer", transfer(config), credentials)
        .telemetry(telemetry)
        // Callbacks store pages and write images: they block, so not on the network's threads.
        .tuning(TransportTuning.BULK.withDirectCallbacks(false).withSilence(config.linkSilence()))
        .executors(threads::callbacks)
        .loops(threads.loops(), threads::started)
        .add(new TransferRpc(arrivals, files))
        .build();
  }

  @Provides
  @Singleton
  @Named(CONTROL)
  GrpcServer controlServer(
      TargetAgentConfig config,
      Credentials credentials,
      Host host,
      TargetRuntimes runtimes,
      Arrivals arrivals,
      OpenTelemetry telemetry) {
    return GrpcServer.builder("target-agent", config.listen(), credentials)
        .telemetry(telemetry)
        .add(
            new TargetAgentRpc(
                arrivals,
                new TargetCheck(runtimes, Path.of("/proc"), new HostAddressCheck()),
                () -> host.facts(runtimes.names()),
                transfer(config)))
        .build();
  }

  @Provides
  @Singleton
  Heartbeats heartbeats(
      TargetAgentConfig config, Host host, TargetRuntimes runtimes, GrpcChannels channels) {
    return new Heartbeats(
        channels,
        config.coordinator(),
        new AgentIdentity(config.node(), Role.TARGET, config.listen(), ServiceMain.version()),
        () -> host.facts(runtimes.names()));
  }

  private static HostPort transfer(TargetAgentConfig config) {
    return config.listen().withPort(config.transferPort());
  }
}
