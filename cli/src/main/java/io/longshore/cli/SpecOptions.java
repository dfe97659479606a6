package io.longshore.cli;

import com.google.protobuf.util.Durations;
import io.longshore.v1.MigrationSpec;
import io.longshore.v1.OnNoConvergence;
import io.longshore.v1.Policy;
import io.longshore.v1.PostCopy;
import io.longshore.v1.Strategy;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
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

  @ArgGroup(multiplicity = "1")
  private WorkloadOptions workload = new WorkloadOptions();

  @ArgGroup(exclusive = false, heading = "%nOf containers:%n")
  private @Nullable ContainerOptions container;

  @Option(
      names = "--strategy",
      paramLabel = "STRATEGY",
      converter = StrategyConverter.class,
      description =
          "pre-copy, hybrid, post-copy, stop-and-copy, or auto: the planner chooses (default: auto).")
  private Strategy strategy = Strategy.STRATEGY_UNSPECIFIED;

  @Option(
      names = "--service-ip",
      paramLabel = "CIDR",
      description =
          "IPv4 address with prefix length that moves with the workload; can be repeated.")
  private List<String> serviceAddresses = new ArrayList<>();

  @Option(
      names = "--downtime-budget",
      paramLabel = "MS",
      description =
          "Milliseconds that the workload may stand still: rounds end when the rest fits (default: 300).")
  private @Nullable Integer downtimeBudget;

  @Option(
      names = "--max-rounds",
      paramLabel = "N",
      description = "At most so many rounds of pre-copy or hybrid (default: 30).")
  private @Nullable Integer maxRounds;

  @Option(
      names = "--post-copy",
      paramLabel = "WHETHER",
      converter = PostCopyConverter.class,
      description =
          "allowed or forbidden: whether it may run on the target before all of its memory is there (default: allowed).")
  private PostCopy postCopy = PostCopy.POST_COPY_UNSPECIFIED;

  @Option(
      names = "--on-no-convergence",
      paramLabel = "WHAT",
      converter = OnNoConvergenceConverter.class,
      description =
          "post-copy, abort, force, or throttle (the workload is slowed until they do): what then, if rounds do not get there (default: post-copy where allowed, else abort).")
  private OnNoConvergence onNoConvergence = OnNoConvergence.ON_NO_CONVERGENCE_UNSPECIFIED;

  @Option(
      names = "--max-bandwidth",
      paramLabel = "RATE",
      description =
          "How fast pages may be sent, such as 200mbit or 25MB a second (default: as fast as may be); 'longshore update' changes it.")
  private String maxBandwidth = "none";

  @Option(
      names = "--max-total-time",
      paramLabel = "S",
      description =
          "Seconds: the planner chooses no strategy that it predicts to take longer in all (default: any).")
  private @Nullable Integer maxTotalTime;

  MigrationSpec spec() {
    MigrationSpec.Builder spec =
        MigrationSpec.newBuilder()
            .setSourceNode(source)
            .setTargetNode(target)
            .setWorkload(workload.workload(container == null ? "" : container.runtime()))
            .setStrategy(strategy)
            .addAllServiceAddresses(serviceAddresses)
            .setPolicy(policy());
    if (container != null) {
      if (!workload.isContainer()) {
        throw new UsageException("--runtime, --bundle and what is of containers needs --container");
      }
      spec.setContainer(container.policy());
    }
    return spec.build();
  }

  private Policy policy() {
    Policy.Builder policy =
        Policy.newBuilder()
            .setPostCopy(postCopy)
            .setOnNoConvergence(onNoConvergence)
            .setMaxBandwidth(Bandwidth.parse(maxBandwidth));
    if (downtimeBudget != null) {
      policy.setDowntimeBudget(Durations.fromMillis(downtimeBudget));
    }
    if (maxTotalTime != null) {
      policy.setMaxTotalTime(Durations.fromSeconds(maxTotalTime));
    }
    if (maxRounds != null) {
      if (maxRounds < 1) {
        throw new UsageException("--max-rounds: expected 1 or more, found " + maxRounds);
      }
      policy.setMaxRounds(maxRounds);
    }
    return policy.build();
  }

  /** For the command line's parser. */
  static final class PostCopyConverter implements ITypeConverter<PostCopy> {
    @Override
    public PostCopy convert(String value) {
      return Words.postCopy(value);
    }
  }

  /** For the command line's parser. */
  static final class OnNoConvergenceConverter implements ITypeConverter<OnNoConvergence> {
    @Override
    public OnNoConvergence convert(String value) {
      return Words.onNoConvergence(value);
    }
  }

  /** For the command line's parser. */
  static final class StrategyConverter implements ITypeConverter<Strategy> {
    @Override
    public Strategy convert(String value) {
      return Words.strategy(value);
    }
  }
}
