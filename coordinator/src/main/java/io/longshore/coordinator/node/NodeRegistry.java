package io.longshore.coordinator.node;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Knows the nodes by their agents' heartbeats. A silent agent is unavailable after the timeout;
 * after a restart of the coordinator every agent is unavailable until it is heard again. Safe for
 * use by several threads.
 */
public final class NodeRegistry {
  private final NodeStore store;
  private final InstantSource clock;
  private final Duration timeout;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Map<String, Map<AgentRole, Entry>> nodes = new TreeMap<>();

  /** Counts for as long as neither agent was started again. */
  @GuardedBy("lock")
  private final Map<String, Tested> selfTests = new HashMap<>();

  private final Condition changed = lock.newCondition();
  private final boolean selfTestsDue;
  private volatile Consumer<Node> listener = node -> {};

  /**
   * What is known of an agent; {@code heard} is null until this run of the coordinator heard it.
   */
  private record Entry(AgentRecord agent, String instance, @Nullable Instant heard) {}

  private record Tested(String instances, SelfTest result) {}

  /**
   * @param selfTestsDue whether a node is to be tested when its agents have started
   */
  public NodeRegistry(
      NodeStore store, InstantSource clock, Duration timeout, boolean selfTestsDue) {
    this.store = store;
    this.clock = clock;
    this.timeout = timeout;
    this.selfTestsDue = selfTestsDue;
    for (AgentRecord agent : store.load()) {
      put(new Entry(agent, "", null));
    }
  }

  /** Calls back with the node after each heartbeat, on the thread that brought it: briefly. */
  public void onHeartbeat(Consumer<Node> heard) {
    listener = heard;
  }

  /**
   * Takes note of a node's self-test.
   *
   * @param node as it was when the test began: if an agent was started since, this says nothing
   *     about the new one
   */
  public void tested(Node node, SelfTest result) {
    lock.lock();
    try {
      selfTests.put(node.name(), new Tested(node.instances(), result));
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for the end of the self-test that a node is in, if it is in one.
   *
   * @return the node then, or as it is after some time
   */
  public Optional<Node> awaitTested(String name, Duration patience) throws InterruptedException {
    long left = patience.toNanos();
    lock.lock();
    try {
      Optional<Node> node = find(name);
      while (node.isPresent() && node.get().state() == Node.State.TESTING && left > 0) {
        left = changed.awaitNanos(left);
        node = find(name);
      }
      return node;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Registers an agent or keeps it registered. What identifies it is stored before this returns, if
   * it changed; the time and the free memory are not stored, so that steady heartbeats write
   * nothing.
   *
   * @param instance another after each start of the agent
   */
  public void heartbeat(
      String node,
      AgentRole role,
      String endpoint,
      String version,
      NodeCapabilities capabilities,
      String instance) {
    Instant now = clock.instant();
    AgentRecord agent = new AgentRecord(node, role, endpoint, version, capabilities, now);
    Optional<AgentRecord> before = record(node, role);
    if (before.isEmpty() || !before.get().sameAs(agent)) {
      store.save(agent);
    }
    lock.lock();
    try {
      put(new Entry(agent, instance, now));
    } finally {
      lock.unlock();
    }
    find(node).ifPresent(listener);
  }

  /** All nodes by name. */
  public List<Node> list() {
    lock.lock();
    try {
      List<Node> all = new ArrayList<>(nodes.size());
      for (Map.Entry<String, Map<AgentRole, Entry>> each : nodes.entrySet()) {
        all.add(node(each.getKey(), each.getValue()));
      }
      return List.copyOf(all);
    } finally {
      lock.unlock();
    }
  }

  /** One node, if it was ever heard. */
  public Optional<Node> find(String name) {
    lock.lock();
    try {
      Map<AgentRole, Entry> agents = nodes.get(name);
      return agents == null ? Optional.empty() : Optional.of(node(name, agents));
    } finally {
      lock.unlock();
    }
  }

  private Optional<AgentRecord> record(String node, AgentRole role) {
    lock.lock();
    try {
      return Optional.ofNullable(nodes.get(node)).map(agents -> agents.get(role)).map(Entry::agent);
    } finally {
      lock.unlock();
    }
  }

  private void put(Entry entry) {
    lock.lock();
    try {
      nodes
          .computeIfAbsent(entry.agent().node(), name -> new EnumMap<>(AgentRole.class))
          .put(entry.agent().role(), entry);
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private Node node(String name, Map<AgentRole, Entry> agents) {
    NodeCapabilities capabilities = NodeCapabilities.UNKNOWN;
    Instant newest = Instant.MIN;
    for (Entry entry : agents.values()) {
      if (entry.agent().lastHeartbeat().isAfter(newest)) {
        newest = entry.agent().lastHeartbeat();
        capabilities = entry.agent().capabilities();
      }
    }
    String instances =
        instance(agents.get(AgentRole.SOURCE)) + "/" + instance(agents.get(AgentRole.TARGET));
    return new Node(
        name,
        agent(agents.get(AgentRole.SOURCE)),
        agent(agents.get(AgentRole.TARGET)),
        capabilities,
        selfTest(name, instances),
        instances);
  }

  private static String instance(@Nullable Entry entry) {
    return entry == null ? "" : entry.instance();
  }

  @GuardedBy("lock")
  private SelfTest selfTest(String name, String instances) {
    Tested tested = selfTests.get(name);
    if (tested != null && tested.instances().equals(instances)) {
      return tested.result();
    }
    return selfTestsDue ? new SelfTest.Due() : new SelfTest.None();
  }

  private @Nullable Agent agent(@Nullable Entry entry) {
    if (entry == null) {
      return null;
    }
    Instant heard = entry.heard();
    boolean available = heard != null && !heard.plus(timeout).isBefore(clock.instant());
    AgentRecord agent = entry.agent();
    return new Agent(agent.endpoint(), agent.version(), agent.lastHeartbeat(), available);
  }
}
