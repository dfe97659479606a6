package io.longshore.cli;

import io.longshore.v1.Migration;
import io.longshore.v1.MigrationSpec;
import io.longshore.v1.MountTreatment;
import io.longshore.v1.Node;
import io.longshore.v1.OnNoConvergence;
import io.longshore.v1.PostCopy;
import io.longshore.v1.Strategy;
import io.longshore.v1.TcpConnections;
import io.longshore.v1.Workload;
import java.util.Locale;

/** The protocol's values as operators write and read them: post-copy, rolling-back, ready. */
final class Words {
  private Words() {}

  static String of(Strategy strategy) {
    return strategy == Strategy.STRATEGY_UNSPECIFIED
        ? "not chosen"
        : word(strategy.name(), "STRATEGY_");
  }

  static String of(Migration.State state) {
    return word(state.name(), "STATE_");
  }

  static String of(Node.State state) {
    return word(state.name(), "STATE_");
  }

  /** The pid, "runc/web-1", or "self-test". */
  static String of(Workload workload) {
    return switch (workload.getKindCase()) {
      case PROCESS -> Integer.toString(workload.getProcess().getPid());
      case SELF_TEST -> "self-test";
      case CONTAINER ->
          workload.getContainer().getRuntime() + "/" + workload.getContainer().getId();
      case KIND_NOT_SET -> "a workload of a kind that this program does not know";
    };
  }

  /** "post-copy of pid 20001 from a to b", "pre-copy of container runc/web-1 from a to b". */
  static String of(MigrationSpec spec) {
    return "%s of %s%s from %s to %s"
        .formatted(
            of(spec.getStrategy()),
            spec.getWorkload().hasProcess()
                ? "pid "
                : spec.getWorkload().hasContainer() ? "container " : "",
            of(spec.getWorkload()),
            spec.getSourceNode(),
            spec.getTargetNode());
  }

  /** The strategy that an operator wrote. */
  static Strategy strategy(String word) {
    if (word.equals("auto")) {
      return Strategy.STRATEGY_UNSPECIFIED;
    }
    for (Strategy strategy : Strategy.values()) {
      if (strategy != Strategy.UNRECOGNIZED
          && strategy != Strategy.STRATEGY_UNSPECIFIED
          && of(strategy).equals(word)) {
        return strategy;
      }
    }
    throw new IllegalArgumentException(
        "expected pre-copy, hybrid, post-copy, stop-and-copy or auto, found '" + word + "'");
  }

  /** Whether post-copy is allowed, as an operator wrote it. */
  static PostCopy postCopy(String word) {
    return switch (word) {
      case "allowed" -> PostCopy.POST_COPY_ALLOWED;
      case "forbidden" -> PostCopy.POST_COPY_FORBIDDEN;
      default ->
          throw new IllegalArgumentException("expected allowed or forbidden, found '" + word + "'");
    };
  }

  /** What becomes of rounds that do not converge, as an operator wrote it. */
  static OnNoConvergence onNoConvergence(String word) {
    return switch (word) {
      case "post-copy" -> OnNoConvergence.ON_NO_CONVERGENCE_POST_COPY;
      case "abort" -> OnNoConvergence.ON_NO_CONVERGENCE_ABORT;
      case "force" -> OnNoConvergence.ON_NO_CONVERGENCE_FORCE;
      case "throttle" -> OnNoConvergence.ON_NO_CONVERGENCE_THROTTLE;
      default ->
          throw new IllegalArgumentException(
              "expected post-copy, abort or force, found '" + word + "'");
    };
  }

  /** What is done with a mount, as an operator wrote it. */
  static MountTreatment mountTreatment(String word) {
    return switch (word) {
      case "sync" -> MountTreatment.MOUNT_TREATMENT_SYNC;
      case "shared" -> MountTreatment.MOUNT_TREATMENT_SHARED;
      case "skip" -> MountTreatment.MOUNT_TREATMENT_SKIP;
      default ->
          throw new IllegalArgumentException("expected sync, shared or skip, found '" + word + "'");
    };
  }

  /** What becomes of connections, as an operator wrote it. */
  static TcpConnections tcpConnections(String word) {
    return switch (word) {
      case "keep" -> TcpConnections.TCP_CONNECTIONS_KEEP;
      case "close" -> TcpConnections.TCP_CONNECTIONS_CLOSE;
      default -> throw new IllegalArgumentException("expected keep or close, found '" + word + "'");
    };
  }

  private static String word(String name, String prefix) {
    String rest = name.startsWith(prefix) ? name.substring(prefix.length()) : name;
    return rest.toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
