package io.longshore.coordinator.migration;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** The state machine's table as Markdown: a diagram of the public states and the table itself. */
final class StateDiagram {
  private StateDiagram() {}

  static String markdown() {
    List<String> lines = new ArrayList<>();
    lines.add("```mermaid");
    lines.add("stateDiagram-v2");
    lines.add("  [*] --> PENDING");
    for (Phase phase : Phase.values()) {
      for (Rule rule : StateMachine.row(phase).rules()) {
        if (rule.outcome() instanceof Rule.GoTo(Phase next, boolean _)) {
          lines.add("  %s --> %s: %s".formatted(phase, next, label(rule)));
        } else if (rule.outcome() instanceof Rule.GoOnAsHybrid(Phase next)) {
          lines.add("  %s --> %s: %s, as hybrid".formatted(phase, next, label(rule)));
        }
      }
      if (phase.done()) {
        lines.add("  " + phase + " --> [*]");
      }
    }
    lines.add("```");
    lines.add("");
    lines.add("| phase | `state` | runs meanwhile | event | then |");
    lines.add("|---|---|---|---|---|");
    for (Phase phase : Phase.values()) {
      StateMachine.Row row = StateMachine.row(phase);
      String effects = row.effects().stream().map(Effect::name).collect(Collectors.joining(", "));
      String head = "| %s | `STATE_%s` | %s ".formatted(phase, phase.state(), effects);
      for (Rule rule : row.rules()) {
        lines.add(head + "| " + label(rule) + " | " + outcome(rule) + " |");
        head = "| | | ";
      }
    }
    return String.join("\n", lines) + "\n";
  }

  private static String label(Rule rule) {
    String guard = rule.guard().name();
    return rule.event() + (guard.isEmpty() ? "" : " (" + guard + ")");
  }

  private static String outcome(Rule rule) {
    return switch (rule.outcome()) {
      case Rule.GoTo(Phase next, boolean actAtOnce) ->
          next + (actAtOnce ? ", acts while it stores" : "");
      case Rule.GoOnAsHybrid(Phase next) -> next + ", as hybrid from here on";
      case Rule.Keep() -> "keeps what was measured";
      case Rule.Stay() -> "nothing changes";
      case Rule.TooLate() -> "refused: TOO_LATE_TO_CANCEL";
    };
  }
}
