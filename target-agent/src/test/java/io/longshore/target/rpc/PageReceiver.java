package io.longshore.target.rpc;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.criu.CriuVersion;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFolder;
import io.longshore.linux.Mapping;
import io.longshore.linux.Mappings;
import io.longshore.linux.PageSize;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.rpc.TransportTuning;
import io.longshore.platform.tls.Certificates;
import io.longshore.platform.tls.Credentials;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.longshore.target.arrival.Arrival;
import io.longshore.target.arrival.ArrivalNotes;
import io.longshore.target.arrival.Arrivals;
import io.longshore.target.files.TestFiles;
import io.longshore.target.images.ImageFolder;
import io.longshore.target.network.TestAddresses;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageRange;
import io.longshore.target.pages.PageStore;
import io.longshore.target.restore.Restoration;
import io.longshore.target.runtime.PlainProcesses;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The target's half of {@code deploy/bench data-plane}: receives the memory of a process as a
 * target-agent that was just started does, and ends when its standard input does. No test.
 */
final class PageReceiver {
  /** Smaller ones are stacks and the like. */
  private static final long MAPPING_BYTES = 16 << 20;

  private PageReceiver() {}

  /**
   * {@code PID [CERTIFICATES]}: prints where it listens and its secret, and at the end what it
   * used.
   */
  public static void main(String[] args) throws Exception {
    int pid = Integer.parseInt(args[0]);
    List<PageRange> memory = memory(pid);
    long bytes = memory.stream().mapToLong(PageRange::count).sum() * PageSize.BYTES;
    Path folder = Files.createTempDirectory("page-receiver");
    CriuFolder images = CriuFolder.create(folder.resolve("bench"));
    PageStore pages = new PageStore(bytes);
    pages.announce(Map.of(pid, memory), 0);
    Demands demands = new Demands();
    Arrivals arrivals =
        new Arrivals(
            (ref, facts, promised) ->
                new Arrival(
                    ref,
                    new Arrival.Parts(
                        images,
                        ArrivalNotes.begin(images.path(), ref, RuntimeRecord.ofProcess(0)),
                        new ImageFolder(images.images(), 0),
                        pages,
                        demands,
                        new Restoration(
                            new Criu(Path.of("/none"), new CriuVersion(4, 2, 1)),
                            PlainProcesses.ANY,
                            images,
                            pages,
                            demands),
                        new TestAddresses(),
                        bytes)));
    Arrival arrival =
        arrivals.prepare(
            new MigrationRef("bench", 1),
            new WorkloadFacts("", List.of(), List.of(), List.of(), 0, 0, List.of()));
    Credentials credentials =
        args.length > 1 ? Certificates.load(Path.of(args[1])) : new PlaintextOnLoopback();
    GrpcServer server =
        GrpcServer.builder("transfer", new HostPort("127.0.0.1", 0), credentials)
            .tuning(TransportTuning.BULK.withDirectCallbacks(false))
            .patience(Duration.ofSeconds(1))
            .add(new TransferRpc(arrivals, TestFiles.in(folder.resolve("files"))))
            .build();
    server.start();
    long cpu = cpuMillis();
    System.out.println(server.address().port() + " " + HexFormat.of().formatHex(arrival.secret()));
    int ignored = System.in.read();
    System.out.printf(
        "{\"target_cpu_ms\":%d,\"stale_pages\":%d}%n", cpuMillis() - cpu, pages.stalePages());
    server.stop();
    images.delete();
    Files.delete(folder);
    System.exit(ignored < 0 && pages.stalePages() == 0 ? 0 : 1);
  }

  private static List<PageRange> memory(int pid) throws Exception {
    List<PageRange> ranges = new ArrayList<>();
    for (Mapping mapping : Mappings.read(pid)) {
      if (mapping.kind() == Mapping.Kind.ANONYMOUS
          && mapping.writable()
          && mapping.length() >= MAPPING_BYTES) {
        ranges.add(
            new PageRange(
                mapping.start() / PageSize.BYTES,
                Math.toIntExact(mapping.length() / PageSize.BYTES)));
      }
    }
    return ranges;
  }

  private static long cpuMillis() {
    var system =
        (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return TimeUnit.NANOSECONDS.toMillis(system.getProcessCpuTime());
  }
}
