package io.longshore.platform.error;

import java.nio.charset.StandardCharsets;

/**
 * Writes docs/errors.md out of {@link Reason}, so that the two cannot disagree; a test compares
 * them.
 */
public final class ErrorsPage {
  private ErrorsPage() {}

  /**
   * Prints the page: {@code java -cp 'cli/target/lib/*' io.longshore.platform.error.ErrorsPage}.
   */
  public static void main(String[] args) {
    byte[] page = markdown().getBytes(StandardCharsets.UTF_8);
    System.out.write(page, 0, page.length);
    System.out.flush();
  }

  /** The page. */
  static String markdown() {
    StringBuilder page =
        new StringBuilder(
            """
            # Errors

            <!-- Written by io.longshore.platform.error.ErrorsPage from Reason.java; do not edit. -->

            Every refusal and failure has a reason: a stable word that programs can go by. On the wire it is in
            `google.rpc.ErrorInfo` (domain `longshore.io`) among the details of the gRPC status, one for each problem, with the
            message and the remedy in its metadata; in `Obstacle.reason` of a plan; and in `MigrationError.reason` of a migration
            that failed. Where CRIU failed, its own telling log lines come along: in a call's status as the stack entries of
            `google.rpc.DebugInfo`, in a migration as `criu_log`.
            """);
    section(
        page,
        Reason.Kind.OBSTACLE,
        "Obstacles",
        "Found by the plan. Nothing was touched; the workload runs on. `longshore migrate` and `plan` exit with 3.");
    section(page, Reason.Kind.CALL, "Refused calls", "The call changed nothing.");
    section(
        page,
        Reason.Kind.FAILURE,
        "Failures",
        "The migration failed on the way and was rolled back: the workload runs on the source as before, unless the"
            + " reason says otherwise.");
    return page.toString();
  }

  private static void section(
      StringBuilder page, Reason.Kind kind, String heading, String introduction) {
    page.append("\n## %s\n\n%s\n\n".formatted(heading, introduction));
    page.append("| reason | gRPC status | what it means | what to do |\n|---|---|---|---|\n");
    for (Reason reason : Reason.values()) {
      if (reason.kind() == kind) {
        page.append(
            "| `%s` | %s | %s | %s |\n"
                .formatted(reason, reason.statusCode(), reason.meaning(), reason.remedy()));
      }
    }
  }
}
