package io.longshore.target.files;

import io.longshore.agent.files.ConfinedProgram;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.criu.CriuVersion;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFolder;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.rpc.TransportTuning;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.longshore.source.departure.TransferTarget;
import io.longshore.source.files.FilePasses;
import io.longshore.source.files.FileTree;
import io.longshore.source.rpc.FileStreams;
import io.longshore.source.rpc.TransferClients;
import io.longshore.target.arrival.Arrival;
import io.longshore.target.arrival.ArrivalNotes;
import io.longshore.target.arrival.Arrivals;
import io.longshore.target.images.ImageFolder;
import io.longshore.target.network.TestAddresses;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageStore;
import io.longshore.target.restore.Restoration;
import io.longshore.target.rpc.TransferRpc;
import io.longshore.target.runtime.PlainProcesses;
import io.opentelemetry.api.OpenTelemetry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A target's data plane on a real port, with one migration, and its source. */
final class Wire {
  static final MigrationRef REF = new MigrationRef("m-1", 3);

  final FileArrivals files;
  final GrpcChannels channels = new GrpcChannels(OpenTelemetry.noop(), new PlaintextOnLoopback());
  final GrpcServer server;
  final ConfinedProgram confined;
  final byte[] secret;
  private final Arrivals arrivals;
  private final Path folder;
  private final FileStreams streams;

  /**
   * @param folder for what agents write down
   */
  Wire(Path folder) throws Exception {
    this.folder = folder;
    files = TestFiles.in(folder.resolve("target"));
    confined = new ConfinedProgram(folder.resolve("source"));
    arrivals = new Arrivals((ref, facts, promised) -> arrival(ref));
    secret =
        arrivals
            .prepare(REF, new WorkloadFacts("", List.of(), List.of(), List.of(), 0, 0, List.of()))
            .secret();
    server =
        GrpcServer.builder("transfer", new HostPort("127.0.0.1", 0), new PlaintextOnLoopback())
            .tuning(TransportTuning.BULK.withDirectCallbacks(false))
            .patience(Duration.ofSeconds(1))
            .add(new TransferRpc(arrivals, files))
            .build();
    server.start();
    streams = streams(secret);
  }

  /** The source's streams, opened by a secret. */
  FileStreams streams(byte[] by) {
    return new TransferClients(channels, 1, Duration.ofSeconds(4))
        .openForFiles(REF, new TransferTarget(server.address(), by));
  }

  /** Ready to copy a tree of this host. */
  FilePasses passes(int number, Path tree) throws IOException {
    return passes(FileTree.ofHost(number, tree), streams);
  }

  FilePasses passes(FileTree tree, FileStreams over) throws IOException {
    return new FilePasses(
        tree, over, confined, Files.createDirectories(folder.resolve("source-work")));
  }

  private Arrival arrival(MigrationRef ref) {
    try {
      CriuFolder images = CriuFolder.create(folder.resolve(ref.id()));
      PageStore pages = new PageStore(1 << 20);
      Demands demands = new Demands();
      return new Arrival(
          ref,
          new Arrival.Parts(
              images,
              ArrivalNotes.begin(images.path(), ref, RuntimeRecord.ofProcess(0)),
              new ImageFolder(images.images(), 1 << 20),
              pages,
              demands,
              new Restoration(
                  new Criu(Path.of("/none"), new CriuVersion(4, 2, 1)),
                  PlainProcesses.ANY,
                  images,
                  pages,
                  demands),
              new TestAddresses(),
              1 << 20));
    } catch (IOException e) {
      throw new LongshoreException(Reason.INTERNAL, "cannot prepare", e);
    }
  }

  void stop() throws Exception {
    streams.close();
    server.stop();
    arrivals.stop();
    files.journal().close();
  }
}
