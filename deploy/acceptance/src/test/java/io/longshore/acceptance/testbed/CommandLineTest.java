package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.acceptance.testbed.Command.Output;
import io.longshore.acceptance.testbed.Longshore.Move;
import io.longshore.v1.Migration;
import io.longshore.v1.Node;
import java.util.List;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** The command as scripts use it. */
@OnTestbed
@Order(2)
class CommandLineTest {
  private final Testbed testbed;
  private final Longshore longshore;

  CommandLineTest(Testbeds testbeds) {
    testbed = testbeds.usual();
    longshore = testbed.longshore();
  }

  @Test
  void listsTheNodesWithWhatTheyCanDo() {
    List<Node> nodes = longshore.nodes().getNodesList();
    assertThat(nodes).extracting(Node::getName).containsExactly("a", "b");
    assertThat(nodes)
        .allSatisfy(
            node -> {
              assertThat(node.getState()).isEqualTo(Node.State.STATE_READY);
              assertThat(node.getCapabilities().getCriuVersion()).startsWith("4.");
              assertThat(node.getCapabilities().getLazyRestore()).isTrue();
              assertThat(node.getCapabilities().getAvailableMemoryBytes()).isPositive();
              assertThat(node.getCapabilities().getCpuFeaturesList()).isNotEmpty();
            });
  }

  @Test
  void migratesInTheBackgroundAndCanBeFollowed() {
    try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", "--size", "32m")) {
      String id = longshore.begin(Move.of("a", "b", workload.pid()));
      Output watched = longshore.command("watch", id, "--json").run();
      assertThat(watched.status()).isZero();
      List<Migration> snapshots = watched.out().lines().map(Longshore::migration).toList();
      assertThat(snapshots).isNotEmpty().allMatch(snapshot -> snapshot.getId().equals(id));
      assertThat(snapshots).extracting(Migration::getRevision).isSorted().doesNotHaveDuplicates();
      Migration last = snapshots.getLast();
      assertThat(last.getState()).isEqualTo(Migration.State.STATE_SUCCEEDED);
      assertThat(longshore.get(id)).isEqualTo(last);
      assertThat(longshore.list().getMigrations(0)).isEqualTo(last);
      // Watching what is done shows its end.
      assertThat(longshore.await(id)).isEqualTo(last);
      workload.assertRightOn("b");
    }
  }

  @Test
  void printsOnlyTheFinalMigrationAsJson() {
    try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", "--size", "32m")) {
      Output output =
          longshore
              .command(
                  "migrate", "--from", "a", "--to", "b", "--pid", "" + workload.pid(), "--json")
              .run();
      assertThat(output.status()).isZero();
      assertThat(output.err()).isEmpty();
      Migration migration = Longshore.migration(output.out());
      assertThat(migration.getState()).isEqualTo(Migration.State.STATE_SUCCEEDED);
      assertThat(migration.getDone()).isTrue();
      assertThat(migration.hasError()).isFalse();
      assertThat(migration.getSpec().getStrategy().getNumber()).as("chosen strategy").isPositive();
    }
  }

  @Test
  void tellsPeopleWhatItDid() {
    try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", "--size", "32m")) {
      Output output = longshore.migrate(Move.of("a", "b", workload.pid())).run();
      assertThat(output.status()).isZero();
      assertThat(output.out()).containsIgnoringCase("downtime");
    }
  }

  @Test
  void theSameRequestStartsOneMigration() {
    try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", "--size", "32m")) {
      Move move = Move.of("a", "b", workload.pid(), "--request-id", "twice-" + workload.pid());
      int before = longshore.list().getMigrationsCount();
      String first = longshore.begin(move);
      assertThat(longshore.begin(move)).isEqualTo(first);
      assertThat(longshore.await(first).getState()).isEqualTo(Migration.State.STATE_SUCCEEDED);
      assertThat(longshore.begin(move)).as("when it is done").isEqualTo(first);
      assertThat(longshore.list().getMigrationsCount()).isEqualTo(before + 1);
      Output other =
          longshore
              .migrate(Move.of("b", "a", workload.pid(), "--request-id", "twice-" + workload.pid()))
              .run();
      assertThat(other.status()).isEqualTo(2);
      assertThat(other.err()).contains("REQUEST_ID_REUSED");
      workload.assertRightOn("b");
    }
  }

  @Test
  void saysWhenItIsUsedWrongly() {
    assertThat(longshore.command("migrate", "--from", "a").run().status()).isEqualTo(2);
    assertThat(longshore.command("no-such-command").run().status()).isEqualTo(2);
    assertThat(
            longshore
                .command("migrate", "--from", "a", "--to", "b", "--pid", "1", "--strategy", "magic")
                .run()
                .status())
        .isEqualTo(2);
    Output unknown = longshore.command("get", "no-such-migration").run();
    assertThat(unknown.status()).isEqualTo(1);
    assertThat(unknown.err()).contains("NOT_FOUND");
  }
}
