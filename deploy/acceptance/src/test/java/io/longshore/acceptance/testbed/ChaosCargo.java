package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** A workload that is moved while things go wrong, and what it promises afterwards. */
sealed interface ChaosCargo extends AutoCloseable {
  int pid();

  /** What moves with it. */
  List<String> addresses();

  /** How its command line begins. */
  String command();

  /**
   * What is wrong with where it ran, given the hosts that it may have run on, one after the other.
   */
  List<String> wrongAbout(Set<List<String>> ways);

  /**
   * Fails unless it is whole on a host.
   *
   * @param rewound whether what it did on the target was given up
   */
  void assertWholeOn(String host, boolean rewound) throws IOException;

  @Override
  void close();

  static ChaosCargo start(Testbed testbed, ChaosScenario scenario) {
    return scenario.redis() ? new Server(testbed, scenario) : new Memory(testbed, scenario);
  }

  /** Checks its own memory, and is watched. */
  final class Memory implements ChaosCargo {
    private static final String ADDRESS = "10.77.0.101";

    private final Testbed testbed;
    private final List<String> addresses;
    private final MemoryWorkload workload;
    private final RunningCopies copies;

    private Memory(Testbed testbed, ChaosScenario scenario) {
      this.testbed = testbed;
      addresses = scenario.address() ? List.of(ADDRESS + "/24") : List.of();
      addresses.forEach(
          each -> testbed.shell(scenario.source(), "ip address add \"$1\" dev eth0", each));
      workload =
          MemoryWorkload.start(
              testbed,
              scenario.source(),
              "--size",
              scenario.mebibytes() + "m",
              "--threads",
              "" + scenario.threads(),
              "--children",
              "" + scenario.children(),
              "--dirty",
              "" + scenario.dirtyPagesPerSecond(),
              "--untouched",
              "10",
              "--shared",
              "1m",
              "--inherited",
              "2m",
              "--seed",
              "" + (scenario.seed() & 0xffff));
      copies = RunningCopies.of(testbed, scenario.source(), scenario.target(), workload);
    }

    @Override
    public int pid() {
      return workload.pid();
    }

    @Override
    public List<String> addresses() {
      return addresses;
    }

    @Override
    public String command() {
      return Checkout.path("deploy/workloads").toString();
    }

    @Override
    public List<String> wrongAbout(Set<List<String>> ways) {
      Stretches stretches = copies.stretches();
      List<String> wrong = new ArrayList<>(stretches.wrong());
      if (!ways.contains(stretches.hosts())) {
        wrong.add("it ran on %s and not as one of %s".formatted(stretches.all(), ways));
      }
      return wrong;
    }

    @Override
    public void assertWholeOn(String host, boolean rewound) {
      workload.assertWholeOn(host);
    }

    @Override
    public void close() {
      copies.close();
      workload.close();
      for (String address : addresses) {
        for (String host : Testbed.NODES) {
          testbed.on(host, "ip", "address", "delete", address, "dev", "eth0").run();
        }
      }
    }
  }

  /** Its clients check every answer and that they keep their connections. */
  final class Server implements ChaosCargo {
    private static final int CONNECTIONS = 8;

    private final Testbed testbed;
    private final RedisWorkload redis;
    private final LoadRun load;

    private Server(Testbed testbed, ChaosScenario scenario) {
      this.testbed = testbed;
      redis = RedisWorkload.start(testbed, scenario.source(), (long) scenario.mebibytes() << 20);
      load = redis.load(CONNECTIONS);
    }

    @Override
    public int pid() {
      return redis.pid();
    }

    @Override
    public List<String> addresses() {
      return List.of(RedisWorkload.CIDR);
    }

    @Override
    public String command() {
      return "redis-server";
    }

    @Override
    public List<String> wrongAbout(Set<List<String>> ways) {
      return List.of();
    }

    @Override
    public void assertWholeOn(String host, boolean rewound) throws IOException {
      if (rewound) {
        // What the target had answered is given up, and so are the connections that heard it.
        assertThat(testbed.shell(host, "redis-cli -h \"$1\" ping", RedisWorkload.ADDRESS))
            .isEqualTo("PONG\n");
        return;
      }
      load.after();
      JsonObject report = load.end();
      RedisTest.assertNothingLost(report);
      assertThat(redis.check().get("keys_wrong").getAsLong()).as("keys wrong").isZero();
    }

    @Override
    public void close() {
      load.close();
      redis.close();
    }
  }
}
