package io.longshore.coordinator.node;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
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

  /**
   * What is known of an agent; {@code heard} is null until this run of the coordinator heard it.
   */
  private record Entry(AgentRecord agent, @Nullable Instant heard) {}

  public NodeRegistry(NodeStore store, InstantSource clock, Duration timeout) {
    this.store = store;
    this.clock = clock;
    this.timeout = timeout;
    for (AgentRecord agent : store.load()) {
      put(new Entry(agent, null));
    }
  }

  /**
   * Registers an agent or keeps it registered. What identifies it is stored before this returns, if
   * it changed; the time and the free memory are not stored, so that steady heartbeats write
   * nothing.
   */
  public void heartbeat(
      String node, AgentRole role, String endpoint, String version, NodeCapabilities capabilities) {
    Instant now = clock.instant();
    AgentRecord agent = new AgentRecord(node, role, endpoint, version, capabilities, now);
    Optional<AgentRecord> before = record(node, role);
    if (before.isEmpty() || !before.get().sameAs(agent)) {
      store.save(agent);
    }
    lock.lock();
    try {
      put(new Entry(agent, now));
    } finally {
      lock.unlock();
    }
  }

  /** All nodes by name. */
  public List<Node> list() {
    lock.lock();
    try {
      List<Node> all = new ArrayList<>(nodes.size());
      nodes.forEach((name, agents) -> all.add(node(name, agents)));
      return List.copyOf(all);
    } finally {
      lock.unlock();
    }
  }

  /** One node, if it was ever heard. */
  public Optional<Node> find(String name) {
    lock.lock();
    try {
      return Optional.ofNullable(nodes.get(name)).map(agents -> node(name, agents));
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

  private Node node(String name, Map<AgentRole, Entry> agents) {
    NodeCapabilities capabilities = NodeCapabilities.UNKNOWN;
    Instant newest = Instant.MIN;
    for (Entry entry : agents.values()) {
      if (entry.agent().lastHeartbeat().isAfter(newest)) {
        newest = entry.agent().lastHeartbeat();
        capabilities = entry.agent().capabilities();
      }
    }
    return new Node(
        name,
        agent(agents.get(AgentRole.SOURCE)),
        agent(agents.get(AgentRole.TARGET)),
        capabilities);
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
