package io.longshore.cli;

import io.longshore.v1.MigrationSpec;
import io.longshore.v1.ProcessWorkload;
import io.longshore.v1.Strategy;
import io.longshore.v1.Workload;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;

/** What is to be moved, from where, where to and how. */
final class SpecOptions {
  @Option(
      names = "--from",
      required = true,
      paramLabel = "NODE",
      description = "Node that has the workload.")
  private String source = "";

  @Option(
      names = "--to",
      required = true,
      paramLabel = "NODE",
      description = "Node that shall have it.")
  private String target = "";

  @Option(
      names = "--pid",
      required = true,
      paramLabel = "N",
      description = "Process at the root of the tree, as the source node numbers it.")
  private int pid;

  @Option(
      names = "--strategy",
      paramLabel = "STRATEGY",
      converter = StrategyConverter.class,
      description = "stop-and-copy or post-copy (default: the planner chooses).")
  private Strategy strategy = Strategy.STRATEGY_UNSPECIFIED;

  @Option(
      names = "--service-ip",
      paramLabel = "CIDR",
      description =
          "IPv4 address with prefix length that moves with the workload; can be repeated.")
  private List<String> serviceAddresses = new ArrayList<>();

  MigrationSpec spec() {
    if (pid < 1) {
      throw new UsageException("--pid: expected a process id, found " + pid);
    }
    return MigrationSpec.newBuilder()
        .setSourceNode(source)
        .setTargetNode(target)
        .setWorkload(Workload.newBuilder().setProcess(ProcessWorkload.newBuilder().setPid(pid)))
        .setStrategy(strategy)
        .addAllServiceAddresses(serviceAddresses)
        .build();
  }

  /** For the command line's parser. */
  static final class StrategyConverter implements ITypeConverter<Strategy> {
    @Override
    public Strategy convert(String value) {
      return Words.strategy(value);
    }
  }
}
