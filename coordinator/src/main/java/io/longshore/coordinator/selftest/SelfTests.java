package io.longshore.coordinator.selftest;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.coordinator.migration.Migrations;
import io.longshore.coordinator.node.Node;
import io.longshore.coordinator.node.NodeRegistry;
import io.longshore.coordinator.node.SelfTest;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tests nodes: each when both its agents have started and are heard, and on request. A node has one
 * test at a time. Safe for use by several threads.
 */
public final class SelfTests {
  private static final Logger log = LoggerFactory.getLogger(SelfTests.class);

  /** So many nodes at once: after its start a coordinator hears all of them within a second. */
  private static final int AT_ONCE = 8;

  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final Duration PAUSE = Duration.ofMillis(500);

  private final NodeRegistry nodes;
  private final CanaryMigration canary;
  private final Migrations migrations;
  private final int runs;
  private final Semaphore turns = new Semaphore(AT_ONCE);
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Map<String, Thread> running = new HashMap<>();

  @GuardedBy("lock")
  private boolean stopped;

  /**
   * @param runs migrations of a test, at least 1
   */
  public SelfTests(NodeRegistry nodes, CanaryMigration canary, Migrations migrations, int runs) {
    this.nodes = nodes;
    this.canary = canary;
    this.migrations = migrations;
    this.runs = runs;
  }

  /** Begins a test of every node that needs one now; to be told of every heartbeat. */
  public void heard(Node node) {
    if (node.awaitsSelfTest()) {
      begin(node);
    }
  }

  /**
   * Tests a node, or joins the test that runs.
   *
   * @return the node when the test is over
   * @throws LongshoreException NOT_FOUND, or NODE_UNAVAILABLE unless both agents are heard
   */
  public Node test(String name) throws InterruptedException {
    Node node =
        nodes
            .find(name)
            .orElseThrow(
                () ->
                    new LongshoreException(
                        Reason.NOT_FOUND, "no agent has ever registered as node '" + name + "'"));
    if (!node.bothAvailable()) {
      throw new LongshoreException(
          Reason.NODE_UNAVAILABLE,
          "node '" + name + "' cannot be tested unless both its agents are heard");
    }
    begin(node).join();
    return nodes.find(name).orElseThrow();
  }

  /** Ends the tests that run; their migrations are taken up by the next run of the coordinator. */
  public void stop() {
    lock.lock();
    try {
      stopped = true;
      running.values().forEach(Thread::interrupt);
    } finally {
      lock.unlock();
    }
  }

  private Thread begin(Node node) {
    lock.lock();
    try {
      Thread before = running.get(node.name());
      if (before != null) {
        return before;
      }
      if (stopped) {
        throw new LongshoreException(
            Reason.AGENT_UNREACHABLE,
            "the coordinator is stopping: repeat the call when it is back");
      }
      nodes.tested(node, new SelfTest.Running());
      Thread test = Thread.ofVirtual().name("self-test-" + node.name()).unstarted(() -> run(node));
      running.put(node.name(), test);
      test.start();
      return test;
    } finally {
      lock.unlock();
    }
  }

  private void run(Node node) {
    try {
      turns.acquire();
      try {
        SelfTest result = result(node);
        report(node, result);
        nodes.tested(node, result);
      } finally {
        turns.release();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      log.error("The self-test of node {} failed", node.name(), e);
      nodes.tested(
          node, canary.failed(SelfTest.Run.begun(0), Reason.INTERNAL.name(), e.toString()));
    } finally {
      lock.lock();
      try {
        running.remove(node.name());
      } finally {
        lock.unlock();
      }
    }
  }

  private SelfTest result(Node node) throws InterruptedException {
    migrations.removeSelfTests(node.name());
    SelfTest result = new SelfTest.None();
    for (int run = 1; run <= runs; run++) {
      result = move(node, run);
      if (result instanceof SelfTest.Failed) {
        break;
      }
    }
    return result;
  }

  /**
   * An agent that was started just now is heard before a call reaches it: the connection to the one
   * before it is broken and is not tried again at once.
   */
  private SelfTest move(Node node, int run) throws InterruptedException {
    long begin = System.nanoTime();
    SelfTest result = canary.move(node.name(), run);
    while (result instanceof SelfTest.Failed failed
        && failed.reason().equals(Reason.AGENT_UNREACHABLE.name())
        && System.nanoTime() - begin < PATIENCE.toNanos()) {
      Thread.sleep(PAUSE);
      result = canary.move(node.name(), run);
    }
    return result;
  }

  private static void report(Node node, SelfTest result) {
    switch (result) {
      case SelfTest.Passed(SelfTest.Run run, var _) ->
          log.info(
              "Node {} passed its self-test: migration {} took {} ms, {} ms of it downtime",
              node.name(),
              run.migrationId(),
              run.duration().toMillis(),
              run.downtime().toMillis());
      case SelfTest.Failed failed ->
          log.warn(
              "Node {} failed its self-test: {}: {}",
              node.name(),
              failed.reason(),
              failed.message());
      case SelfTest.None _, SelfTest.Due _, SelfTest.Running _ -> {}
    }
  }
}
