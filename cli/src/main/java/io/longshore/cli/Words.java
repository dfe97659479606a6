package io.longshore.cli;

import io.longshore.v1.Migration;
import io.longshore.v1.MigrationSpec;
import io.longshore.v1.Node;
import io.longshore.v1.OnNoConvergence;
import io.longshore.v1.PostCopy;
import io.longshore.v1.Strategy;
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

  /** The pid, or "self-test". */
  static String of(Workload workload) {
    return workload.hasSelfTest() ? "self-test" : Integer.toString(workload.getProcess().getPid());
  }

  /** "post-copy of pid 20001 from a to b". */
  static String of(MigrationSpec spec) {
    return "%s of %s%s from %s to %s"
        .formatted(
            of(spec.getStrategy()),
            spec.getWorkload().hasProcess() ? "pid " : "",
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

  private static String word(String name, String prefix) {
    String rest = name.startsWith(prefix) ? name.substring(prefix.length()) : name;
    return rest.toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
