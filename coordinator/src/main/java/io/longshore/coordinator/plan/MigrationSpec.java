package io.longshore.coordinator.plan;

import io.longshore.coordinator.agent.ContainerPolicy;
import io.longshore.coordinator.agent.Workload;
import java.util.List;

/**
 * What a migration is to do.
 *
 * @param sourceNode name of the node that has the workload
 * @param targetNode name of the node that shall have it
 * @param workload the workload
 * @param strategy how to move the memory
 * @param serviceAddresses IPv4 addresses with prefix length that move with the workload
 * @param policy bounds that it keeps
 * @param container what is to become of the workload on the target, if it is a container
 */
public record MigrationSpec(
    String sourceNode,
    String targetNode,
    Workload workload,
    Strategy strategy,
    List<String> serviceAddresses,
    Policy policy,
    ContainerPolicy container) {
  public MigrationSpec {
    serviceAddresses = List.copyOf(serviceAddresses);
  }

  /** The same with another strategy. */
  public MigrationSpec withStrategy(Strategy other) {
    return new MigrationSpec(
        sourceNode, targetNode, workload, other, serviceAddresses, policy, container);
  }
}
