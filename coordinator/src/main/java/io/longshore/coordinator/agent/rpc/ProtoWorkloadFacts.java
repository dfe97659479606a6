package io.longshore.coordinator.agent.rpc;

import io.longshore.agent.v1.TcpSocketFacts;
import io.longshore.coordinator.agent.WorkloadFacts;
import io.longshore.coordinator.agent.WorkloadSummary;

/** Facts as the source sent them. */
record ProtoWorkloadFacts(io.longshore.agent.v1.WorkloadFacts message) implements WorkloadFacts {
  @Override
  public WorkloadSummary summary() {
    return new WorkloadSummary(
        message.getCommand(),
        message.getTasksCount(),
        message.getTasksList().stream().mapToInt(task -> task.getTidsCount()).sum(),
        message.getPrivateBytes(),
        message.getSharedBytes(),
        (int) message.getTcpSocketsList().stream().filter(TcpSocketFacts::getEstablished).count());
  }

  /** The message inside facts, which always came from this package. */
  static io.longshore.agent.v1.WorkloadFacts message(WorkloadFacts facts) {
    if (facts instanceof ProtoWorkloadFacts(io.longshore.agent.v1.WorkloadFacts message)) {
      return message;
    }
    throw new IllegalArgumentException("facts of another origin: " + facts.getClass());
  }
}
