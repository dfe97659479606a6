package io.longshore.cli;

import java.io.PrintWriter;

/**
 * Tells who interrupts the command (Ctrl-C, SIGTERM) that the migration goes on and how to follow
 * or cancel it. Closing it ends that.
 */
final class InterruptNotice implements AutoCloseable {
  private final PrintWriter err;
  private final String requestId;
  private final Thread hook = new Thread(this::print, "interrupt-notice");
  private volatile String migration = "";

  private InterruptNotice(PrintWriter err, String requestId) {
    this.err = err;
    this.requestId = requestId;
  }

  static InterruptNotice install(PrintWriter err, String requestId) {
    InterruptNotice notice = new InterruptNotice(err, requestId);
    Runtime.getRuntime().addShutdownHook(notice.hook);
    return notice;
  }

  /** From here on there is a migration. */
  void started(String id) {
    migration = id;
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // Being interrupted already: the hook runs.
    }
  }

  private void print() {
    err.println();
    if (migration.isEmpty()) {
      err.println(
          "Interrupted while starting the migration. Whether it was started: longshore list --active (request id "
              + requestId
              + ")");
    } else {
      err.println("Migration " + migration + " goes on.");
      err.println("  follow it:  longshore watch " + migration);
      err.println("  cancel it:  longshore cancel " + migration);
    }
    err.flush();
  }
}
