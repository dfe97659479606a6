package io.longshore.source.rpc;

import com.google.protobuf.ByteString;
import io.longshore.linux.Mapping;
import io.longshore.linux.Mappings;
import io.longshore.linux.PageSize;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.tls.Certificates;
import io.longshore.platform.tls.Credentials;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.longshore.source.pages.Bandwidth;
import io.longshore.source.pages.PagePush;
import io.longshore.source.pages.PageRange;
import io.longshore.source.pages.StalePages;
import io.longshore.transfer.v1.StreamOpen;
import io.opentelemetry.api.OpenTelemetry;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The source's half of {@code deploy/bench data-plane}: pushes the memory of a process once, as a
 * source-agent that was just started does, and prints how long that took. No test.
 */
final class PageSender {
  /** Smaller ones are stacks and the like. */
  private static final long MAPPING_BYTES = 16 << 20;

  private PageSender() {}

  /**
   * {@code PORT SECRET PID STREAMS TIMES [CERTIFICATES]}: where the receiver is, its secret in
   * hexadecimal digits, how often to send the process's memory. More than once, the receiver drops
   * what it has already, so that what is measured is the way to it and not the touching of fresh
   * memory.
   */
  public static void main(String[] args) throws Exception {
    HostPort target = new HostPort("127.0.0.1", Integer.parseInt(args[0]));
    int pid = Integer.parseInt(args[2]);
    StreamOpen open =
        StreamOpen.newBuilder()
            .setMigrationId("bench")
            .setEpoch(1)
            .setSecret(ByteString.copyFrom(HexFormat.of().parseHex(args[1])))
            .build();
    Credentials credentials =
        args.length > 5 ? Certificates.load(Path.of(args[5])) : new PlaintextOnLoopback();
    TransferClient client =
        new TransferClient(
            new GrpcChannels(OpenTelemetry.noop(), credentials),
            target,
            open,
            Integer.parseInt(args[3]),
            Duration.ofSeconds(4));
    client.awaitOpen();
    StalePages stale =
        new StalePages(
            Collections.nCopies(Integer.parseInt(args[4]), memory(pid)).stream()
                .flatMap(List::stream)
                .toList());
    long cpu = cpuMillis();
    long begin = System.nanoTime();
    try (PagePush push = new PagePush(stale, client.pages(), client.faults(), new Bandwidth(0))) {
      push.start(false).get(5, TimeUnit.MINUTES);
    }
    Duration took = Duration.ofNanos(System.nanoTime() - begin);
    long mebibytes = (stale.total() * PageSize.BYTES) >> 20;
    System.out.printf(
        "{\"mib\":%d,\"ms\":%d,\"mib_per_second\":%d,\"source_cpu_ms\":%d}%n",
        mebibytes, took.toMillis(), mebibytes * 1000 / took.toMillis(), cpuMillis() - cpu);
    client.finish();
  }

  private static List<PageRange> memory(int pid) throws Exception {
    List<PageRange> ranges = new ArrayList<>();
    for (Mapping mapping : Mappings.read(pid)) {
      if (mapping.kind() == Mapping.Kind.ANONYMOUS
          && mapping.writable()
          && mapping.length() >= MAPPING_BYTES) {
        ranges.add(
            new PageRange(
                pid,
                pid,
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
