package io.longshore.agent.doctor;

import io.longshore.agent.doctor.Remains.Standing;
import io.longshore.agent.doctor.Treatment.Outcome;
import io.longshore.agent.host.AgentIdentity.Role;
import io.longshore.platform.error.LongshoreException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * {@code longshore doctor}: lists what dead migrations left on this node, and removes it if told.
 * Needs no coordinator and no agent. Ends with 0 if nothing is left, 1 if something is, 2 if it was
 * called wrongly.
 */
public final class DoctorMain {
  private static final String USAGE =
      """
      usage: longshore doctor [--remove] [--let-run MIGRATION] [--end MIGRATION] [FOLDERS]
        Lists what dead migrations left on this node; needs no coordinator and no agent, but root.
        Never touches what an agent that runs has.
        --remove               remove what is nobody's
        --let-run MIGRATION    of one that is held: let the workload run here, and remove the rest.
                               Only if it runs nowhere else and never will.
        --end MIGRATION        of one that is held: end the workload here, and remove the rest.
                               Only if it runs elsewhere, or shall not run any more.
      FOLDERS, if the agents are configured with others than these:
        --source-work /run/longshore/source    --source-journal /var/lib/longshore/source
        --target-work /run/longshore/target    --target-journal /var/lib/longshore/target
      """;

  private final Map<String, String> options;
  private final PrintStream out;

  private DoctorMain(Map<String, String> options, PrintStream out) {
    this.options = options;
    this.out = out;
  }

  /** Runs and exits. */
  public static void main(String[] args) {
    System.exit(run(args, System.out, System.err));
  }

  static int run(String[] args, PrintStream out, PrintStream err) {
    Optional<Map<String, String>> options = parse(args);
    if (options.isEmpty()) {
      err.print(USAGE);
      return 2;
    }
    if (options.get().containsKey("--help")) {
      out.print(USAGE);
      return 0;
    }
    try {
      return new DoctorMain(options.get(), out).run();
    } catch (IOException | LongshoreException | IllegalArgumentException e) {
      err.println("longshore doctor: " + e.getMessage());
      return 1;
    }
  }

  private int run() throws IOException {
    Treatment treatment = new Treatment(agents());
    boolean removing = options.containsKey("--remove");
    decide(treatment, "--let-run", Outcome.RUNS_ON);
    decide(treatment, "--end", Outcome.ENDS);
    if (removing) {
      for (Remains remains : Examination.of(agents())) {
        if (remains.standing() == Standing.LEFT_OVER) {
          treatment.remove(remains, Outcome.RUNS_ON);
          print("removed", remains);
        }
      }
    }
    int left = 0;
    for (Remains remains : Examination.of(agents())) {
      switch (remains.standing()) {
        case OWNED -> {}
        case HELD -> {
          print("held", remains);
          left++;
        }
        case LEFT_OVER -> {
          print("left over", remains);
          left++;
        }
      }
    }
    if (left == 0) {
      out.println("Nothing is left of dead migrations.");
    }
    return left == 0 ? 0 : 1;
  }

  private void decide(Treatment treatment, String option, Outcome outcome) throws IOException {
    String id = options.get(option);
    if (id == null) {
      return;
    }
    Remains remains =
        Examination.of(agents()).stream()
            .filter(found -> found.migration().equals(id))
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("there is nothing of migration " + id));
    treatment.remove(remains, outcome);
    print(outcome == Outcome.RUNS_ON ? "let run" : "ended", remains);
  }

  private void print(String word, Remains remains) {
    out.println("%s %s: %s".formatted(remains.migration(), word, remains.why()));
    remains.traces().forEach(trace -> out.println("  " + trace));
  }

  private List<AgentFolders> agents() {
    return List.of(folders(Role.SOURCE, "source"), folders(Role.TARGET, "target"));
  }

  private AgentFolders folders(Role role, String name) {
    return new AgentFolders(
        role,
        Path.of(options.getOrDefault("--" + name + "-work", "/run/longshore/" + name)),
        Path.of(options.getOrDefault("--" + name + "-journal", "/var/lib/longshore/" + name)));
  }

  private static Optional<Map<String, String>> parse(String[] args) {
    Map<String, String> options = new TreeMap<>();
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--remove", "--help" -> options.put(args[i], "");
        case "--let-run",
            "--end",
            "--source-work",
            "--source-journal",
            "--target-work",
            "--target-journal" -> {
          if (i + 1 == args.length) {
            return Optional.empty();
          }
          options.put(args[i], args[++i]);
        }
        default -> {
          return Optional.empty();
        }
      }
    }
    return Optional.of(options);
  }
}
