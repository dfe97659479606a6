package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.acceptance.testbed.Longshore.Move;
import io.longshore.v1.Migration;
import io.longshore.v1.MigrationResult;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every page is right after a migration, and nothing of the migration is left but the workload. */
@OnTestbed
@Order(1)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class MemoryTest {
  private static final long MIB = 1L << 20;

  private final Testbeds testbeds;

  MemoryTest(Testbeds testbeds) {
    this.testbeds = testbeds;
  }

  /** Options of deploy/workloads/memory.c. */
  record Shape(String name, long mebibytes, List<String> options) {
    Shape {
      options = List.copyOf(options);
    }

    static Shape of(String name, long mebibytes, String... options) {
      return new Shape(name, mebibytes, List.of(options));
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static final List<Shape> SHAPES =
      List.of(
          Shape.of("64 MiB, one thread", 64),
          Shape.of(
              "512 MiB, threads, children and every kind of memory",
              512,
              "--threads",
              "3",
              "--children",
              "2",
              "--content",
              "zeros",
              "--untouched",
              "20",
              "--shared",
              "16m",
              "--memfd",
              "8m",
              "--locked",
              "4m",
              "--inherited",
              "16m",
              "--open",
              "/etc/services"),
          Shape.of(
              "1 GiB, compressible, children",
              1024,
              "--content",
              "compressible",
              "--children",
              "3"));

  /** A large one takes long, and what differs between versions of CRIU is not how much there is. */
  static List<Arguments> everyCriuStrategyAndShape() {
    List<Arguments> all = new ArrayList<>();
    String usual = Checkout.tool("LONGSHORE_CRIU");
    for (String criu : usualFirst()) {
      for (String strategy : List.of("stop-and-copy", "post-copy")) {
        for (Shape shape : SHAPES) {
          if (criu.equals(usual) || shape.mebibytes() < 1024) {
            all.add(Arguments.of(criu, strategy, shape));
          }
        }
      }
    }
    return all;
  }

  /** So that the testbed is seldom brought up anew. */
  private static List<String> usualFirst() {
    List<String> crius = new ArrayList<>(Checkout.allCrius());
    String usual = Checkout.tool("LONGSHORE_CRIU");
    crius.sort(Comparator.comparing(criu -> !criu.equals(usual)));
    return crius;
  }

  @Order(2)
  @ParameterizedTest(name = "{1}, {2}, {0}")
  @MethodSource("everyCriuStrategyAndShape")
  void memoryIsRight(String criu, String strategy, Shape shape) {
    Testbed testbed =
        criu.equals(Checkout.tool("LONGSHORE_CRIU"))
            ? testbeds.usual()
            : testbeds.with("--criu", criu);
    moveAndCheck(testbed, strategy, shape);
  }

  static List<Arguments> everyCriuAndStrategyWithRounds() {
    List<Arguments> all = new ArrayList<>();
    String usual = Checkout.tool("LONGSHORE_CRIU");
    // What CRIU does is the same in both, so each version has one.
    for (String criu : usualFirst().reversed()) {
      all.add(Arguments.of(criu, criu.equals(usual) ? "pre-copy" : "hybrid"));
    }
    return all;
  }

  /** It writes all the time, also while it is copied. */
  @Order(3)
  @ParameterizedTest(name = "{1}, {0}")
  @MethodSource("everyCriuAndStrategyWithRounds")
  void memoryThatIsWrittenDuringTheRoundsIsRight(String criu, String strategy) {
    Testbed testbed =
        criu.equals(Checkout.tool("LONGSHORE_CRIU"))
            ? testbeds.usual()
            : testbeds.with("--criu", criu);
    HostState beforeOnA = HostState.of(testbed, "a");
    HostState beforeOnB = HostState.of(testbed, "b");
    try (MemoryWorkload workload =
        MemoryWorkload.start(
            testbed,
            "a",
            "--size",
            "128m",
            "--threads",
            "2",
            "--children",
            "2",
            "--content",
            "zeros",
            "--untouched",
            "20",
            "--shared",
            "24m",
            "--memfd",
            "8m",
            "--locked",
            "4m",
            "--inherited",
            "16m",
            "--dirty",
            "1000")) {
      Migration migration =
          testbed
              .longshore()
              .migrateSuccessfully(Move.of("a", "b", workload.pid(), "--strategy", strategy));
      assertThat(testbed.hasProcess("a", workload.pid())).as("still on a").isFalse();
      var _ = workload.assertWholeOn("b");
      beforeOnA.assertUnchanged(testbed);
      beforeOnB.assertUnchanged(testbed, "process");
      MigrationResult result = migration.getResult();
      assertThat(result.getRounds()).isPositive();
      // It cannot have written all of it since it was last looked at; it may not have run at all in
      // the few milliseconds of that.
      assertThat(result.getStalePages()).isLessThan(result.getMemoryBytes() / 4096 / 2);
      // What is shared was sent in rounds; what is locked and small things were not.
      assertThat(result.getImageBytes()).isLessThan(8 * MIB);
    }
    beforeOnB.assertUnchanged(testbed);
  }

  @Order(1)
  @ParameterizedTest
  @ValueSource(strings = {"stop-and-copy", "post-copy"})
  void fourGibibytesAreRight(String strategy) {
    moveAndCheck(testbeds.usual(), strategy, Shape.of("4 GiB", 4096, "--threads", "4"));
  }

  private static void moveAndCheck(Testbed testbed, String strategy, Shape shape) {
    HostState beforeOnA = HostState.of(testbed, "a");
    HostState beforeOnB = HostState.of(testbed, "b");
    List<String> options = new ArrayList<>(List.of("--size", shape.mebibytes() + "m"));
    options.addAll(shape.options());
    try (MemoryWorkload workload =
        MemoryWorkload.start(testbed, "a", options.toArray(String[]::new))) {
      Migration migration =
          testbed
              .longshore()
              .migrateSuccessfully(Move.of("a", "b", workload.pid(), "--strategy", strategy));
      assertThat(testbed.hasProcess("a", workload.pid())).as("still on a").isFalse();
      workload.assertRightOn("b");
      // All of it is on b now, so nothing on a matters, and on b only the workload is new.
      beforeOnA.assertUnchanged(testbed);
      beforeOnB.assertUnchanged(testbed, "process");
      figuresFit(migration, shape);
    }
    beforeOnB.assertUnchanged(testbed);
  }

  private static void figuresFit(Migration migration, Shape shape) {
    MigrationResult result = migration.getResult();
    assertThat(result.getMemoryBytes())
        .as("memory")
        .isBetween(shape.mebibytes() * MIB / 2, (shape.mebibytes() + 100) * MIB);
    assertThat(result.getPagesSent()).as("pages sent").isPositive();
    assertThat(result.getBytesOnWire())
        .as("bytes on the wire")
        .isGreaterThan(result.getPagesSent() * 4096 / 2)
        .isLessThan(result.getMemoryBytes() * 11 / 10 + 4 * MIB);
    if (shape.options().contains("zeros")) {
      assertThat(result.getZeroPages()).as("zero pages").isPositive();
    }
    assertThat(
            result.hasDowntime()
                && result.hasTotalTime()
                && result.hasFreezeTime()
                && result.hasRestoreTime())
        .as("all times are given: %s", result)
        .isTrue();
  }

  @Order(1)
  @Test
  void aWorkloadThatKeepsWritingIsRightToo() {
    Testbed testbed = testbeds.usual();
    for (String strategy : List.of("stop-and-copy", "post-copy")) {
      try (MemoryWorkload workload =
          MemoryWorkload.start(
              testbed,
              "a",
              "--size",
              "256m",
              "--threads",
              "2",
              "--children",
              "1",
              "--dirty",
              "5000")) {
        testbed
            .longshore()
            .migrateSuccessfully(Move.of("a", "b", workload.pid(), "--strategy", strategy));
        MemoryReport report = workload.report("b");
        assertThat(report.wrongPages()).as("wrong pages after %s", strategy).isZero();
        assertThat(report.childrenLost() + report.wrongTokens())
            .as("lost in %s", strategy)
            .isZero();
      }
    }
  }

  @Order(1)
  @Test
  void itCanGoBackAndForth() {
    Testbed testbed = testbeds.usual();
    try (MemoryWorkload workload =
        MemoryWorkload.start(testbed, "a", "--size", "64m", "--threads", "2", "--children", "1")) {
      HostState onA = HostState.of(testbed, "a");
      HostState onB = HostState.of(testbed, "b");
      testbed
          .longshore()
          .migrateSuccessfully(Move.of("a", "b", workload.pid(), "--strategy", "post-copy"));
      workload.assertRightOn("b");
      testbed
          .longshore()
          .migrateSuccessfully(Move.of("b", "a", workload.pid(), "--strategy", "stop-and-copy"));
      workload.assertRightOn("a");
      onA.assertUnchanged(testbed);
      onB.assertUnchanged(testbed);
    }
  }
}
