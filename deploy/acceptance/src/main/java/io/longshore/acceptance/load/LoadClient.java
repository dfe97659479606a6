package io.longshore.acceptance.load;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/**
 * Fills a Redis server, loads it, checks it; loads another service; reports what pgbench saw. Each
 * command prints one JSON object. Exit status: 0 all was right, 1 something was lost or wrong, 2
 * usage.
 */
@Command(
    name = "load-client",
    mixinStandardHelpOptions = true,
    subcommands = {
      FillCommand.class,
      LoadCommand.class,
      CheckCommand.class,
      HttpCommand.class,
      PgbenchCommand.class
    })
public final class LoadClient {
  private LoadClient() {}

  /** Runs one command. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new LoadClient()).execute(arguments));
  }
}
