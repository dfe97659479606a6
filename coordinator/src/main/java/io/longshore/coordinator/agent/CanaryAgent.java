package io.longshore.coordinator.agent;

/** Small processes of a node that exist to be moved. Methods block. */
public interface CanaryAgent {
  /**
   * Starts one and waits until its memory is filled.
   *
   * @param id lower-case letters, digits and '-'
   * @return process id of its root, as the node's agents see it
   */
  int start(String id) throws AgentException, InterruptedException;

  /**
   * Has it check its memory, then ends it and removes all that belonged to it.
   *
   * @throws AgentException with WORKLOAD_LOST if it did not find its memory right
   */
  void end(String id) throws AgentException, InterruptedException;
}
