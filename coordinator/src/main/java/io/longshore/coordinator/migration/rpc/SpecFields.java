package io.longshore.coordinator.migration.rpc;

import com.google.protobuf.util.Durations;
import io.longshore.coordinator.agent.Workload;
import io.longshore.coordinator.plan.MigrationSpec;
import io.longshore.coordinator.plan.OnNoConvergence;
import io.longshore.coordinator.plan.Policy;
import io.longshore.coordinator.plan.PostCopy;
import io.longshore.coordinator.plan.Strategy;
import io.longshore.coordinator.rpc.ContainerMessages;
import io.longshore.coordinator.rpc.Fields;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads and checks the spec of a request. */
final class SpecFields {
  private static final int MOST_ADDRESSES = 64;
  private static final Pattern CIDR =
      Pattern.compile("(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})/(\\d{1,2})");

  private SpecFields() {}

  static MigrationSpec spec(boolean present, io.longshore.v1.MigrationSpec message) {
    if (!present) {
      throw Fields.invalid("spec", "is absent: it is required");
    }
    MigrationSpec spec =
        new MigrationSpec(
            Fields.nodeName("spec.source_node", message.getSourceNode()),
            Fields.nodeName("spec.target_node", message.getTargetNode()),
            workload(message),
            strategy(message),
            addresses(message.getServiceAddressesList()),
            policy(message.getPolicy()),
            ContainerMessages.policy("spec.container", message.getContainer()));
    if (message.hasContainer() && !(spec.workload() instanceof Workload.Container)) {
      throw Fields.invalid(
          "spec.container", "is set, but the workload is no container: leave it out");
    }
    if (spec.policy().postCopy() == PostCopy.FORBIDDEN
        && spec.strategy() != Strategy.UNSPECIFIED
        && !spec.strategy().pushesBeforeResume()) {
      throw Fields.invalid(
          "spec.strategy",
          "is "
              + spec.strategy()
              + ", which lets the workload run before all of its memory is there: spec.policy.post_copy forbids it");
    }
    return spec;
  }

  private static Policy policy(io.longshore.v1.Policy message) {
    Duration budget = Policy.DEFAULT.downtimeBudget();
    if (message.hasDowntimeBudget()) {
      var given = message.getDowntimeBudget();
      if (!Durations.isValid(given)
          || Durations.isNegative(given)
          || Durations.compare(given, Durations.fromHours(1)) > 0) {
        throw Fields.invalid(
            "spec.policy.downtime_budget", "is no duration from 0 to an hour, such as 0.3s");
      }
      budget = Duration.ofNanos(Durations.toNanos(given));
    }
    int rounds =
        message.getMaxRounds() == 0
            ? Policy.DEFAULT.maxRounds()
            : Fields.between("spec.policy.max_rounds", message.getMaxRounds(), 1, 1000);
    PostCopy postCopy = postCopy(message);
    return new Policy(
        budget,
        rounds,
        postCopy,
        onNoConvergence(message, postCopy),
        maxTotalTime(message),
        bandwidth("spec.policy.max_bandwidth", message.getMaxBandwidth()));
  }

  /** Bytes a second. */
  static long bandwidth(String field, long value) {
    if (value != 0 && value < Policy.LEAST_BANDWIDTH) {
      throw Fields.invalid(
          field,
          "is %d bytes a second: at least %d, or 0 for as fast as may be"
              .formatted(value, Policy.LEAST_BANDWIDTH));
    }
    return value;
  }

  private static Optional<Duration> maxTotalTime(io.longshore.v1.Policy message) {
    if (!message.hasMaxTotalTime()) {
      return Optional.empty();
    }
    var given = message.getMaxTotalTime();
    if (!Durations.isValid(given)
        || !Durations.isPositive(given)
        || Durations.compare(given, Durations.fromDays(365)) > 0) {
      throw Fields.invalid(
          "spec.policy.max_total_time", "is no duration above 0 and up to a year, such as 60s");
    }
    return Optional.of(Duration.ofNanos(Durations.toNanos(given)));
  }

  private static PostCopy postCopy(io.longshore.v1.Policy message) {
    return switch (message.getPostCopy()) {
      case POST_COPY_UNSPECIFIED -> Policy.DEFAULT.postCopy();
      case POST_COPY_ALLOWED -> PostCopy.ALLOWED;
      case POST_COPY_FORBIDDEN -> PostCopy.FORBIDDEN;
      case UNRECOGNIZED ->
          throw Fields.invalid(
              "spec.policy.post_copy",
              "is " + message.getPostCopyValue() + ", which this coordinator does not know");
    };
  }

  private static OnNoConvergence onNoConvergence(
      io.longshore.v1.Policy message, PostCopy postCopy) {
    return switch (message.getOnNoConvergence()) {
      case ON_NO_CONVERGENCE_UNSPECIFIED ->
          postCopy == PostCopy.ALLOWED ? Policy.DEFAULT.onNoConvergence() : OnNoConvergence.ABORT;
      case ON_NO_CONVERGENCE_POST_COPY -> {
        if (postCopy == PostCopy.FORBIDDEN) {
          throw Fields.invalid(
              "spec.policy.on_no_convergence", "is post-copy, which spec.policy.post_copy forbids");
        }
        yield OnNoConvergence.POST_COPY;
      }
      case ON_NO_CONVERGENCE_ABORT -> OnNoConvergence.ABORT;
      case ON_NO_CONVERGENCE_FORCE -> OnNoConvergence.FORCE;
      case ON_NO_CONVERGENCE_THROTTLE -> OnNoConvergence.THROTTLE;
      case UNRECOGNIZED ->
          throw Fields.invalid(
              "spec.policy.on_no_convergence",
              "is " + message.getOnNoConvergenceValue() + ", which this coordinator does not know");
    };
  }

  private static Workload workload(io.longshore.v1.MigrationSpec message) {
    return switch (message.getWorkload().getKindCase()) {
      case PROCESS ->
          new Workload.ProcessTree(
              Fields.between(
                  "spec.workload.process.pid",
                  message.getWorkload().getProcess().getPid(),
                  2,
                  Integer.MAX_VALUE));
      case SELF_TEST ->
          throw Fields.invalid(
              "spec.workload", "is a self-test, which only the coordinator starts: use TestNode");
      case CONTAINER ->
          ContainerMessages.container(
              "spec.workload.container", message.getWorkload().getContainer());
      case KIND_NOT_SET ->
          throw Fields.invalid(
              "spec.workload", "names no workload: set process.pid or container.id");
    };
  }

  private static Strategy strategy(io.longshore.v1.MigrationSpec message) {
    return switch (message.getStrategy()) {
      case STRATEGY_UNSPECIFIED -> Strategy.UNSPECIFIED;
      case STRATEGY_STOP_AND_COPY -> Strategy.STOP_AND_COPY;
      case STRATEGY_POST_COPY -> Strategy.POST_COPY;
      case STRATEGY_PRE_COPY -> Strategy.PRE_COPY;
      case STRATEGY_HYBRID -> Strategy.HYBRID;
      case UNRECOGNIZED ->
          throw Fields.invalid(
              "spec.strategy",
              "is " + message.getStrategyValue() + ", which this coordinator does not know");
    };
  }

  private static List<String> addresses(List<String> values) {
    if (values.size() > MOST_ADDRESSES) {
      throw Fields.invalid(
          "spec.service_addresses",
          "has " + values.size() + " addresses: at most " + MOST_ADDRESSES + " are allowed");
    }
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < values.size(); i++) {
      String field = "spec.service_addresses[" + i + "]";
      if (!isCidr(values.get(i))) {
        throw Fields.invalid(
            field,
            "is '"
                + Fields.shown(values.get(i))
                + "': it must be an IPv4 address with prefix length, such as 10.77.0.100/24");
      }
      if (!seen.add(values.get(i).substring(0, values.get(i).indexOf('/')))) {
        throw Fields.invalid(field, "is " + values.get(i) + ", which is there twice");
      }
    }
    return values;
  }

  private static boolean isCidr(String value) {
    Matcher parts = CIDR.matcher(value);
    if (!parts.matches()) {
      return false;
    }
    for (int i = 1; i <= 4; i++) {
      if (Integer.parseInt(parts.group(i)) > 255) {
        return false;
      }
    }
    return Integer.parseInt(parts.group(5)) <= 32;
  }
}
