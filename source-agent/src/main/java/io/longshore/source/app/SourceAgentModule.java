package io.longshore.source.app;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import io.longshore.agent.host.AgentIdentity;
import io.longshore.agent.host.AgentIdentity.Role;
import io.longshore.agent.host.Host;
import io.longshore.agent.journal.Journal;
import io.longshore.agent.network.AddressRehearsal;
import io.longshore.agent.rpc.Heartbeats;
import io.longshore.agent.runc.Runc;
import io.longshore.criu.run.Criu;
import io.longshore.platform.app.ServiceMain;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.tls.Credentials;
import io.longshore.source.canary.Canaries;
import io.longshore.source.departure.Departures;
import io.longshore.source.profile.WorkloadProfiler;
import io.longshore.source.rpc.CanaryRpc;
import io.longshore.source.rpc.LinkProbe;
import io.longshore.source.rpc.SourceAgentRpc;
import io.longshore.source.rpc.TransferClients;
import io.longshore.source.runtime.PlainProcesses;
import io.longshore.source.runtime.RuncContainers;
import io.longshore.source.runtime.SourceRuntime;
import io.longshore.source.runtime.SourceRuntimes;
import io.longshore.source.workload.WorkloadInspector;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** Wires the source-agent. */
final class SourceAgentModule extends AbstractModule {
  @Override
  protected void configure() {
    var components = ServiceMain.components(binder());
    // Stopped last: a canary that is being moved is let go first.
    components.addBinding().to(AddressRehearsal.class);
    components.addBinding().to(Canaries.class);
    components.addBinding().to(Departures.class);
    components.addBinding().to(GrpcServer.class);
    components.addBinding().to(Heartbeats.class);
  }

  @Provides
  @Singleton
  Host host(SourceAgentConfig config) throws InterruptedException {
    return Host.look(config.criu());
  }

  @Provides
  @Singleton
  Journal journal(SourceAgentConfig config) {
    return Journal.open(config.journalFolder());
  }

  @Provides
  @Singleton
  SourceRuntimes runtimes(SourceAgentConfig config, Host host) {
    List<SourceRuntime> runtimes = new ArrayList<>(List.of(new PlainProcesses()));
    Path folder = config.workFolder().resolve(".runc");
    Runc.find().ifPresent(runc -> runtimes.add(new RuncContainers(runc, host::criu, folder)));
    return new SourceRuntimes(runtimes);
  }

  @Provides
  @Singleton
  Departures departures(
      SourceAgentConfig config,
      Host host,
      SourceRuntimes runtimes,
      Journal journal,
      GrpcChannels channels) {
    return Departures.ofHost(
        host,
        runtimes,
        config.workFolder(),
        journal,
        new TransferClients(channels, config.pageStreams(), config.linkSilence()));
  }

  @Provides
  @Singleton
  Canaries canaries(SourceAgentConfig config) {
    return new Canaries(config.workFolder().resolve("canaries"));
  }

  @Provides
  @Singleton
  GrpcServer server(
      SourceAgentConfig config,
      Host host,
      SourceRuntimes runtimes,
      Departures departures,
      Credentials credentials,
      Canaries canaries,
      GrpcChannels channels,
      OpenTelemetry telemetry) {
    return GrpcServer.builder("source-agent", config.listen(), credentials)
        .telemetry(telemetry)
        .add(
            new SourceAgentRpc(
                runtimes,
                departures,
                new WorkloadInspector(runtimes, host.criu().map(Criu::version)),
                new WorkloadProfiler(RandomGenerator.of("L64X128MixRandom")),
                new LinkProbe(channels, config.pageStreams())))
        .add(new CanaryRpc(canaries))
        .build();
  }

  @Provides
  @Singleton
  Heartbeats heartbeats(
      SourceAgentConfig config, Host host, SourceRuntimes runtimes, GrpcChannels channels) {
    return new Heartbeats(
        channels,
        config.coordinator(),
        new AgentIdentity(config.node(), Role.SOURCE, config.listen(), ServiceMain.version()),
        () -> host.facts(runtimes.names()));
  }
}
