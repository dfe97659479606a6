package io.longshore.acceptance.testbed;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.longshore.acceptance.testbed.Command.Output;
import io.longshore.v1.ListMigrationsResponse;
import io.longshore.v1.ListNodesResponse;
import io.longshore.v1.Migration;
import io.longshore.v1.MigrationPlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.awaitility.Awaitility;

/** The command deploy/longshore, as an operator uses it. */
final class Longshore {
  /** So slow that what a test does in the middle of it is done in the middle of it. */
  static final String SLOWLY = "--max-bandwidth=5MB";

  /** A second each. */
  private final Supplier<CoordinatorCalls> calls;

  /**
   * @param calls for what is asked again and again
   */
  Longshore(Supplier<CoordinatorCalls> calls) {
    this.calls = calls;
  }

  /**
   * What to move where.
   *
   * @param workload the option that names it, and its value
   */
  record Move(String from, String to, List<String> workload, List<String> options) {
    Move {
      workload = List.copyOf(workload);
      options = List.copyOf(options);
    }

    static Move of(String from, String to, int pid, String... options) {
      return new Move(from, to, List.of("--pid", Integer.toString(pid)), List.of(options));
    }

    static Move ofContainer(String from, String to, String id, String... options) {
      return new Move(from, to, List.of("--container", id), List.of(options));
    }

    private List<String> arguments() {
      List<String> arguments = new ArrayList<>(List.of("--from", from, "--to", to));
      arguments.addAll(workload);
      arguments.addAll(options);
      return arguments;
    }
  }

  Command command(String name, List<String> arguments) {
    List<String> words =
        new ArrayList<>(List.of(Checkout.path("deploy/longshore").toString(), name));
    words.addAll(arguments);
    return Command.of(words).within(Duration.ofMinutes(3));
  }

  Command command(String name, String... arguments) {
    return command(name, List.of(arguments));
  }

  Command migrate(Move move) {
    return command("migrate", move.arguments());
  }

  /** Migrates and returns the finished migration, whatever came of it. */
  Migration migrateToTheEnd(Move move) {
    List<String> arguments = new ArrayList<>(move.arguments());
    arguments.add("--json");
    Output output = command("migrate", arguments).run();
    if (output.status() > 1) {
      throw new AssertionError(output);
    }
    Migration migration = migration(output.out());
    if ((output.status() == 0) != (migration.getState() == Migration.State.STATE_SUCCEEDED)) {
      throw new AssertionError("the exit status does not fit the state: " + output);
    }
    return migration;
  }

  /** Migrates and fails if the migration does. */
  Migration migrateSuccessfully(Move move) {
    Migration migration = migrateToTheEnd(move);
    if (migration.getState() != Migration.State.STATE_SUCCEEDED) {
      throw new AssertionError("the migration did not succeed: " + migration);
    }
    return migration;
  }

  /** Starts a migration and returns its id. */
  String begin(Move move) {
    List<String> arguments = new ArrayList<>(move.arguments());
    arguments.add("--detach");
    return command("migrate", arguments).run().expectSuccess().strip();
  }

  MigrationPlan plan(Move move) {
    List<String> arguments = new ArrayList<>(move.arguments());
    arguments.add("--json");
    return parse(command("plan", arguments).run().out(), MigrationPlan.newBuilder()).build();
  }

  Migration get(String id) {
    return calls.get().get(id);
  }

  /** Waits until it is in a state, in which it must stay for some milliseconds to be seen. */
  void awaitState(String id, Migration.State state) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .pollInterval(Duration.ofMillis(20))
        .until(
            () -> {
              Migration migration = get(id);
              if (migration.getDone() && migration.getState() != state) {
                throw new AssertionError("it never came to " + state + ": " + migration);
              }
              return migration.getState() == state;
            });
  }

  /** Ends what {@link #SLOWLY} began: what was to happen in the middle of it has happened. */
  void hurry(String id) {
    calls.get().unlimit(id);
  }

  ListMigrationsResponse list() {
    return parse(
            command("list", "--json").run().expectSuccess(), ListMigrationsResponse.newBuilder())
        .build();
  }

  ListNodesResponse nodes() {
    return parse(command("nodes", "--json").run().expectSuccess(), ListNodesResponse.newBuilder())
        .build();
  }

  /** Waits until it is done. */
  Migration await(String id) {
    calls.get().follow(id, Duration.ofMinutes(3), seen -> {});
    return get(id);
  }

  static Migration migration(String json) {
    return parse(json, Migration.newBuilder()).build();
  }

  static <B extends Message.Builder> B parse(String json, B builder) {
    try {
      JsonFormat.parser().merge(json, builder);
      return builder;
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError(
          "not the JSON of a " + builder.getDescriptorForType().getName() + ": " + json, e);
    }
  }
}
