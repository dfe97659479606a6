package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.agent.v1.AgentRole;
import io.longshore.platform.value.HostPort;
import io.longshore.v1.GetNodeRequest;
import io.longshore.v1.ListNodesRequest;
import io.longshore.v1.Node;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class NodeTest {
  @TempDir Path folder;
  private Cluster cluster;

  @BeforeEach
  void start() throws Exception {
    cluster = new Cluster(folder);
  }

  @AfterEach
  void stop() throws Exception {
    cluster.close();
  }

  private List<Node> nodes() {
    return cluster.nodes().listNodes(ListNodesRequest.getDefaultInstance()).getNodesList();
  }

  private Node node(String name) {
    return cluster.nodes().getNode(GetNodeRequest.newBuilder().setName(name).build()).getNode();
  }

  @Test
  void aNodeIsReadyWhileBothItsAgentsAreHeard() {
    assertThat(node("a").getState()).isEqualTo(Node.State.STATE_PARTIAL);
    cluster.heartbeat("a", AgentRole.AGENT_ROLE_TARGET, new HostPort("127.0.0.1", 9), true);

    assertThat(node("a").getState()).isEqualTo(Node.State.STATE_READY);
    assertThat(node("a").getSourceAgent().getEndpoint())
        .isEqualTo(cluster.sourceAddress().toString());
    assertThat(node("a").getTargetAgent().getEndpoint()).isEqualTo("127.0.0.1:9");
    assertThat(node("a").getCapabilities().getCriuVersion()).isEqualTo("4.1.1");
    assertThat(nodes()).extracting(Node::getName).containsExactly("a", "b");
  }

  @Test
  void aSilentAgentIsUnavailableAfterTheTimeoutAndNotBefore() {
    cluster.clock.advance(Cluster.HEARTBEAT_TIMEOUT.minusMinutes(5));
    assertThat(node("a").getSourceAgent().getAvailable()).isTrue();

    cluster.clock.advance(Duration.ofMinutes(6));
    assertThat(node("a").getSourceAgent().getAvailable()).isFalse();
    assertThat(node("a").getState()).isEqualTo(Node.State.STATE_UNAVAILABLE);

    cluster.heartbeats();
    assertThat(node("a").getState()).isEqualTo(Node.State.STATE_PARTIAL);
  }

  @Test
  void nodesSurviveARestartAsUnavailable() throws Exception {
    Node before = node("b");
    cluster.stopCoordinator();
    cluster.startCoordinator();

    Node after = node("b");
    assertThat(after.getState()).isEqualTo(Node.State.STATE_UNAVAILABLE);
    assertThat(after.getTargetAgent().getAvailable()).isFalse();
    assertThat(after.getTargetAgent().getEndpoint())
        .isEqualTo(before.getTargetAgent().getEndpoint());
    assertThat(after.getCapabilities()).isEqualTo(before.getCapabilities());
    assertThat(after.hasSourceAgent()).isFalse();

    cluster.heartbeats();
    assertThat(node("b").getState()).isEqualTo(Node.State.STATE_PARTIAL);
  }

  @Test
  void anAgentThatMovedIsFoundAtItsNewPlaceAfterARestartToo() throws Exception {
    cluster.heartbeat("a", AgentRole.AGENT_ROLE_TARGET, new HostPort("127.0.0.1", 9), true);
    cluster.heartbeat("a", AgentRole.AGENT_ROLE_TARGET, new HostPort("127.0.0.1", 10), true);
    cluster.stopCoordinator();
    cluster.startCoordinator();

    assertThat(node("a").getTargetAgent().getEndpoint()).isEqualTo("127.0.0.1:10");
  }

  @Test
  void refusesHeartbeatsItCannotUse() {
    assertThatThrownBy(
            () ->
                cluster.heartbeat(
                    "a", AgentRole.AGENT_ROLE_UNSPECIFIED, new HostPort("127.0.0.1", 9), true))
        .hasMessageContaining("role is 0");
    assertThatThrownBy(
            () ->
                cluster.heartbeat(
                    "a", AgentRole.AGENT_ROLE_SOURCE, new HostPort("127.0.0.1", 0), true))
        .hasMessageContaining("endpoint is '127.0.0.1:0'");
    assertThatThrownBy(
            () ->
                cluster.heartbeat(
                    "../a", AgentRole.AGENT_ROLE_SOURCE, new HostPort("127.0.0.1", 9), true))
        .hasMessageContaining("node is '../a'");
  }

  @Test
  void anUnknownNodeIsNotFound() {
    assertThatThrownBy(() -> node("x"))
        .satisfies(e -> assertThat(Statuses.reasons(e)).containsExactly("NOT_FOUND"));
  }
}
