package io.longshore.cli;

import io.longshore.platform.config.ConfigurationException;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.tls.Certificates;
import io.longshore.platform.tls.Credentials;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The command itself: options that all subcommands share, and what becomes of exceptions. */
@Command(
    name = "longshore",
    description = "Moves running Linux processes from host to host.",
    mixinStandardHelpOptions = true,
    version = "longshore 0.1.0",
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      "0:done; a migration has succeeded",
      "1:the migration failed or was cancelled and was rolled back, or the call was refused",
      "2:wrong usage",
      "3:the plan found obstacles; nothing was touched",
      "4:the coordinator cannot be reached; what became of the migration is not known",
      "130:interrupted; a migration that was started goes on"
    },
    footer = {
      "%nEnvironment:",
      "  LONGSHORE_COORDINATOR        HOST:PORT, if --coordinator is not given",
      "  LONGSHORE_CERTIFICATES       FOLDER, if --certificates is not given",
      "  LONGSHORE_PLAINTEXT_ON_LOOPBACK",
      "                               'true' is as --plaintext-on-loopback",
      "  LONGSHORE_PATIENCE           seconds to wait for a coordinator that was lost",
      "                               (default: 30)",
      "  OTEL_EXPORTER_OTLP_ENDPOINT  where to send the trace's root span",
      "  TRACEPARENT                  parent of the migration's trace"
    })
final class Longshore {
  private final Environment environment;

  @Option(
      names = "--coordinator",
      paramLabel = "HOST:PORT",
      scope = ScopeType.INHERIT,
      description = "Where the coordinator is (default: $LONGSHORE_COORDINATOR or localhost:7700).")
  private @Nullable HostPort coordinator;

  @Option(
      names = "--certificates",
      paramLabel = "FOLDER",
      scope = ScopeType.INHERIT,
      description = {
        "Your certificate: a folder with tls.crt, tls.key and ca.crt",
        "(default: $LONGSHORE_CERTIFICATES)."
      })
  private @Nullable Path certificates;

  @Option(
      names = "--plaintext-on-loopback",
      scope = ScopeType.INHERIT,
      description = "Go without TLS to a coordinator on this machine that does so too.")
  private boolean plaintextOnLoopback;

  private Longshore(Environment environment) {
    this.environment = environment;
  }

  /** Runs the command with these arguments and returns its exit status. */
  static int run(Environment environment, String... args) {
    Longshore longshore = new Longshore(environment);
    CommandLine commandLine =
        new CommandLine(longshore)
            .addSubcommand(new PlanCommand(longshore))
            .addSubcommand(new MigrateCommand(longshore))
            .addSubcommand(new GetCommand(longshore))
            .addSubcommand(new WatchCommand(longshore))
            .addSubcommand(new CancelCommand(longshore))
            .addSubcommand(new UpdateCommand(longshore))
            .addSubcommand(new ResolveCommand(longshore))
            .addSubcommand(new ListCommand(longshore))
            .addSubcommand(new NodesCommand(longshore))
            .addSubcommand(new WorkloadsCommand(longshore));
    commandLine
        .registerConverter(HostPort.class, HostPort::parse)
        .setOut(environment.out())
        .setErr(environment.err())
        .setExecutionExceptionHandler((e, command, parsed) -> report(environment, e).number());
    if (args.length == 0) {
      commandLine.usage(environment.err());
      return ExitStatus.USAGE.number();
    }
    return commandLine.execute(args);
  }

  Environment environment() {
    return environment;
  }

  /** A connection, for the caller to close. */
  Coordinator connect() {
    HostPort address = coordinator;
    if (address == null) {
      try {
        address = environment.coordinator();
      } catch (IllegalArgumentException e) {
        throw new UsageException("LONGSHORE_COORDINATOR: " + e.getMessage());
      }
    }
    try {
      return Coordinator.connect(address, credentials(), environment);
    } catch (ConfigurationException e) {
      throw new UsageException(String.valueOf(e.getMessage()));
    }
  }

  private Credentials credentials() {
    if (plaintextOnLoopback) {
      return new PlaintextOnLoopback();
    }
    Optional<Path> folder = Optional.ofNullable(certificates).or(environment::certificates);
    if (folder.isPresent()) {
      return Certificates.load(folder.get());
    }
    if (environment.plaintextOnLoopback()) {
      return new PlaintextOnLoopback();
    }
    throw new UsageException(
        "no certificates: --certificates or LONGSHORE_CERTIFICATES names a folder with tls.crt,"
            + " tls.key and ca.crt; --plaintext-on-loopback goes without on this machine");
  }

  private static ExitStatus report(Environment environment, Exception thrown) throws Exception {
    return switch (thrown) {
      case UsageException e -> {
        environment.err().println("longshore: " + e.getMessage());
        yield ExitStatus.USAGE;
      }
      case UnreachableException e -> {
        environment.err().println("longshore: " + e.getMessage());
        yield ExitStatus.UNKNOWN;
      }
      case LongshoreException e -> {
        environment.err().print(ProblemText.of(e));
        environment.err().flush();
        yield statusOf(e);
      }
      case Exception e -> throw e;
    };
  }

  private static ExitStatus statusOf(LongshoreException e) {
    if (e.reason() == Reason.INVALID_ARGUMENT || e.reason() == Reason.REQUEST_ID_REUSED) {
      return ExitStatus.USAGE;
    }
    return switch (e.reason().kind()) {
      case OBSTACLE -> ExitStatus.REFUSED;
      case CALL, FAILURE -> ExitStatus.FAILED;
    };
  }
}
