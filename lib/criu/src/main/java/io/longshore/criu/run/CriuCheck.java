package io.longshore.criu.run;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * What CRIU says about the running kernel.
 *
 * @param works whether {@code criu check} found everything that a dump and a restore need
 * @param lazyRestore whether pages can be restored after the tree runs ({@code --feature
 *     uffd-noncoop})
 * @param complaints what CRIU printed about what is missing
 */
public record CriuCheck(boolean works, boolean lazyRestore, List<String> complaints) {

  /** Copies the list. */
  public CriuCheck {
    complaints = List.copyOf(complaints);
  }

  /**
   * Runs {@code criu check}, twice.
   *
   * @throws IOException if CRIU cannot be run or takes longer than {@code timeout} each time
   */
  public static CriuCheck run(Criu criu, Duration timeout)
      throws IOException, InterruptedException {
    ShortCommand.Result all = check(criu, timeout, List.of());
    ShortCommand.Result lazy = check(criu, timeout, List.of("--feature", "uffd-noncoop"));
    List<String> complaints =
        all.output()
            .lines()
            .filter(line -> line.contains("Error (") || line.contains("Warn  ("))
            .toList();
    return new CriuCheck(all.exitStatus() == 0, lazy.exitStatus() == 0, complaints);
  }

  private static ShortCommand.Result check(Criu criu, Duration timeout, List<String> arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(criu.executable().toString());
    command.add("check");
    command.add("--no-default-config");
    command.addAll(arguments);
    return ShortCommand.run(command, timeout);
  }
}
