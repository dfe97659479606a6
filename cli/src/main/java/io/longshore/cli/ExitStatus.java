package io.longshore.cli;

/** What the command's exit statuses mean. Scripts depend on the numbers. */
enum ExitStatus {
  /** It was done. */
  DONE(0),
  /**
   * The migration failed or was cancelled and was rolled back, or the coordinator refused the call.
   */
  FAILED(1),
  /** The command was used wrongly, or the coordinator calls an argument invalid. */
  USAGE(2),
  /** The plan found obstacles; nothing was touched. */
  REFUSED(3),
  /**
   * The coordinator could not be reached, or contact was lost: what became of the migration is not
   * known here.
   */
  UNKNOWN(4),
  /** Interrupted by Ctrl-C; a migration goes on. */
  INTERRUPTED(130);

  private final int number;

  ExitStatus(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }
}
