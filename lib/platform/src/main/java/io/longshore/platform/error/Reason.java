package io.longshore.platform.error;

import io.grpc.Status;

/**
 * Every reason that Longshore can give for refusing or failing. The names are stable: they are on
 * the wire ({@code google.rpc.ErrorInfo.reason}, {@code Obstacle.reason}, {@code
 * MigrationError.reason}) and in docs/errors.md.
 */
public enum Reason {
  // Found by the plan, before anything is touched.
  UNKNOWN_NODE(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "No agent has ever registered under that node name.",
      "Check the name against 'longshore nodes'; start the node's agents if it is missing there."),
  NODE_UNAVAILABLE(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The agent that is needed on the node has not been heard for longer than the heartbeat timeout.",
      "Check that the agent runs and reaches the coordinator; 'longshore nodes NAME' says when it was last heard."),
  SELF_TEST_FAILED(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The node did not succeed in moving a small process to itself, so it is not trusted with a workload.",
      "See in 'longshore nodes NAME' and the agents' logs what failed, mend it, and run 'longshore nodes --test NAME'."),
  SAME_NODE(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "Source and target are the same node.",
      "Name another target."),
  UNKNOWN_PROCESS(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The source node has no process with that id.",
      "Give the id as the source-agent's pid namespace numbers it."),
  NOT_SESSION_LEADER(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The root of the tree is not a session leader, or the tree has a terminal: part of its session would stay behind.",
      "Start the workload with setsid and its standard streams redirected to files or /dev/null."),
  PID_TAKEN(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "A process or thread id of the workload is in use on the target.",
      "End what has the id on the target, or run workloads in a pid namespace of their own or with high ids."),
  CPU_INCOMPATIBLE(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The target's CPU lacks features that the source's has and the workload may use.",
      "Choose a target with the same or a newer CPU model."),
  ARCHITECTURE_INCOMPATIBLE(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "Source and target have different machine architectures.",
      "Choose a target of the source's architecture."),
  CRIU_MISSING(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The node has no CRIU that works on its kernel.",
      "Install CRIU 4.1 or newer there and run 'criu check'; deploy/setup does both."),
  CRIU_INCOMPATIBLE(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The target's CRIU cannot restore what the source's CRIU writes.",
      "Install the same or a newer CRIU on the target."),
  KERNEL_INCOMPATIBLE(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "A kernel lacks something the migration needs.",
      "The message names it; choose another node or kernel, or another strategy."),
  FILE_MISSING(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "A file that the workload has open or mapped does not exist on the target.",
      "Put the file at the same path on the target, or use storage that both nodes share."),
  FILE_DIFFERENT(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "A file that the workload has open or mapped is not the same on the target.",
      "Install the same version of it on both nodes."),
  NOT_ENOUGH_MEMORY(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The target has less free memory than the workload needs.",
      "Free memory on the target or choose another."),
  RSYNC_MISSING(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "Files are to move with the workload, and a node has no rsync that could do it.",
      "Install the package rsync, 3.2.0 or newer, on both nodes; deploy/setup does it."),
  DESTINATION_IN_USE(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "Files are to move to a place on the target where something is already.",
      "Remove or empty it there, name another place, or move the mount as shared or skip."),
  NOT_ENOUGH_DISK(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The target's file system has less free space than the files need that are to move there.",
      "Free space on it, or name a place on another file system."),
  ADDRESS_NOT_AVAILABLE(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "A service address cannot be taken over by the target: it is in use there, or no interface has its network.",
      "Remove the address from the target, or connect the target to its network."),
  ADDRESS_NOT_ON_SOURCE(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "A service address is not assigned on the source.",
      "Give the address with its prefix length as 'ip addr' shows it on the source."),
  TCP_ADDRESS_DOES_NOT_MOVE(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The workload has an established connection on an address that is not among the service addresses.",
      "Name the address with --service-ip, or let the connection be closed first."),
  UNSUPPORTED_PROCESS(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The tree has a process that cannot be moved at all, such as a thread of the kernel or the agent itself.",
      "Name the root of the workload's own tree."),
  UNSUPPORTED_SOCKET(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The workload has a socket that cannot be moved.",
      "The message names the socket; have the workload close it first."),
  UNSUPPORTED_MAPPING(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The workload has a memory mapping that cannot be moved, such as a device's.",
      "The message names the mapping; have the workload unmap it first."),
  NETWORK_NOT_AVAILABLE(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "A node lacks what the container's network needs, such as a bridge or a hook.",
      "The message names it; make the bridge or put the hook there, or name another with the policy."),
  TASK_NOT_RUNNING(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "A process of the workload is a zombie, stopped, or traced by a debugger.",
      "Reap it, continue it (SIGCONT) or detach the tracer."),
  UNKNOWN_CONTAINER(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The source node has no container with that id.",
      "Check the id with 'longshore workloads NODE'."),
  CONTAINER_EXISTS(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The target has a container with that id already.",
      "Delete it there, or choose another target."),
  RUNTIME_MISSING(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The node does not have the runtime that the workload needs.",
      "Install the runtime there and restart the node's agents, or choose another node; 'longshore nodes NAME' says what it has."),
  RUNTIME_INCOMPATIBLE(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The container's runtime has a version, or asks for something, that Longshore does not know.",
      "The message names it; install a version of the runtime that is supported: docs/containers.md has them."),
  WORKLOAD_PAUSED(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The container is paused, so CRIU cannot seize it.",
      "Resume it, as with 'runc resume ID'."),
  PROCESS_OUTSIDE_TREE(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The container has processes that do not descend from its first one, such as those of 'runc exec': they would stay behind.",
      "End the processes that the message names, or have the container's first process start them."),
  MOUNT_MISSING(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The target lacks the source of a mount, or the root file system, of the container.",
      "Make what the message names on the target, or have it brought or skipped by the container's policy."),
  NAMESPACE_UNSUPPORTED(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The container has, or shares, a namespace that cannot be made on the target, or has something in one that cannot.",
      "The message names it; start the container without it, or have a network hook make it."),
  CGROUPS_BELOW(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "The container has made control groups below its own, which would not be made again.",
      "Have it remove them, or start it without control groups of its own."),
  TOTAL_TIME_TOO_LONG(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "Every strategy that the policy allows is predicted to take longer than its max_total_time.",
      "Allow more time, name a strategy, or migrate when the workload is quieter or the link freer."),
  WORKLOAD_BUSY(
      Kind.OBSTACLE,
      Status.Code.FAILED_PRECONDITION,
      "Another migration moves this workload or a part of it.",
      "Wait for that migration or cancel it: 'longshore list --active'."),

  // What is wrong with a call.
  INVALID_ARGUMENT(
      Kind.CALL,
      Status.Code.INVALID_ARGUMENT,
      "A field of the request is missing or malformed.",
      "The message names the field and what is expected."),
  NOT_FOUND(
      Kind.CALL,
      Status.Code.NOT_FOUND,
      "There is no migration or node of that name.",
      "Check the name with 'longshore list' or 'longshore nodes'."),
  REQUEST_ID_REUSED(
      Kind.CALL,
      Status.Code.ALREADY_EXISTS,
      "The request id was used before for a migration with another spec.",
      "Use a new request id for a new migration; repeat a call only with the same spec."),
  TOO_LATE_TO_CANCEL(
      Kind.CALL,
      Status.Code.FAILED_PRECONDITION,
      "The workload belongs to the target already, or the migration is done.",
      "Let it finish; to go back, migrate in the other direction."),
  STALE_EPOCH(
      Kind.CALL,
      Status.Code.ABORTED,
      "A newer coordinator has taken up the migration since the caller did.",
      "None for operators: the caller gives up and the newer one goes on."),
  WRONG_PHASE(
      Kind.CALL,
      Status.Code.FAILED_PRECONDITION,
      "The agent is not at the point of the migration where this call is allowed.",
      "Follow the order in docs/protocol.md; ask the agent where it is."),
  WRONG_SECRET(
      Kind.CALL,
      Status.Code.PERMISSION_DENIED,
      "A data stream was opened without the secret of its migration.",
      "Only the source of the migration may open it. If it did, prepare again."),
  NO_IDENTITY(
      Kind.CALL,
      Status.Code.UNAUTHENTICATED,
      "The caller's certificate does not say who the caller is.",
      "Make a certificate with one role and name: docs/operations.md says how."),
  NOT_ALLOWED(
      Kind.CALL,
      Status.Code.PERMISSION_DENIED,
      "The caller's role may not make this call.",
      "Use a certificate of a role that may: docs/threat-model.md has the table."),
  WRONG_NODE(
      Kind.CALL,
      Status.Code.PERMISSION_DENIED,
      "An agent spoke for another node, or another agent, than its certificate names.",
      "Give the agent a certificate with the name and role of its configuration."),
  BAD_CHECKSUM(
      Kind.CALL,
      Status.Code.DATA_LOSS,
      "Data arrived changed; nothing of it was stored.",
      "Repeat the migration. If it comes again, check the network hardware and the memory of both nodes."),
  PAGE_NOT_ANNOUNCED(
      Kind.CALL,
      Status.Code.OUT_OF_RANGE,
      "A page arrived that the images do not announce as coming.",
      "Source and target disagree about the workload: report it with the logs of both agents."),
  CREDIT_EXCEEDED(
      Kind.CALL,
      Status.Code.RESOURCE_EXHAUSTED,
      "A peer sent more bytes than it was granted.",
      "The peer does not keep to the protocol: check that both agents have the same version."),
  MALFORMED_STREAM(
      Kind.CALL,
      Status.Code.INVALID_ARGUMENT,
      "A data stream has a message that is malformed, out of order or too long.",
      "The peer does not keep to the protocol: check that both agents have the same version."),
  ALREADY_RESUMED(
      Kind.CALL,
      Status.Code.FAILED_PRECONDITION,
      "The target was told to let the workload run; it cannot be aborted any more.",
      "Let the migration finish."),

  // What fails on the way.
  OUT_OF_MEMORY(
      Kind.FAILURE,
      Status.Code.RESOURCE_EXHAUSTED,
      "The target ran out of room for the workload's memory.",
      "Free memory on the target or choose another."),
  DISK_FULL(
      Kind.FAILURE,
      Status.Code.RESOURCE_EXHAUSTED,
      "The target's file system became full while files came.",
      "Free space on it, or name a place on another file system; what was put there was removed."),
  FILES_FAILED(
      Kind.FAILURE,
      Status.Code.FAILED_PRECONDITION,
      "The files of the workload could not be copied, or not as they are.",
      "The words of rsync come with the error and name the file."),
  CRIU_DUMP_FAILED(
      Kind.FAILURE,
      Status.Code.FAILED_PRECONDITION,
      "CRIU could not describe the workload.",
      "CRIU's own log lines come with the error and say what it does not support."),
  CRIU_RESTORE_FAILED(
      Kind.FAILURE,
      Status.Code.FAILED_PRECONDITION,
      "CRIU could not restore the workload on the target.",
      "CRIU's own log lines come with the error and say what was missing there."),
  CRIU_TIMEOUT(
      Kind.FAILURE,
      Status.Code.DEADLINE_EXCEEDED,
      "CRIU did not finish within its time limit.",
      "Look at the load of the node; raise the limit in the agent's configuration if the workload needs longer."),
  NETWORK_HOOK_FAILED(
      Kind.FAILURE,
      Status.Code.FAILED_PRECONDITION,
      "A network hook of the operator's failed or took too long.",
      "The message has what it said; mend the hook and repeat the migration."),
  AGENT_UNREACHABLE(
      Kind.FAILURE,
      Status.Code.UNAVAILABLE,
      "An agent or the coordinator did not answer.",
      "Check that it runs and that the network between the nodes lets it through."),
  TRANSFER_BROKEN(
      Kind.FAILURE,
      Status.Code.UNAVAILABLE,
      "The data streams between the agents broke.",
      "Check the network between the nodes and repeat the migration."),
  TARGET_RESTARTED(
      Kind.FAILURE,
      Status.Code.FAILED_PRECONDITION,
      "The target-agent was restarted, and what a data stream had brought and was not installed yet is gone.",
      "Nothing: the source opens its streams anew and sends all pages again."),
  LINK_CUT(
      Kind.FAILURE,
      Status.Code.FAILED_PRECONDITION,
      "The link between the source and the target was cut, before the step, for longer than a migration waits; while the workload stands still for its freeze it does not wait.",
      "Check the network between the nodes and repeat the migration, or raise the coordinator's retry.patience."),
  JOURNAL_FAILED(
      Kind.FAILURE,
      Status.Code.FAILED_PRECONDITION,
      "An agent cannot write, or cannot understand, what it must remember of a migration; it changed nothing.",
      "Make room on the disk of its journal folder, or look at the file that the message names with longshore doctor."),
  NO_CONVERGENCE(
      Kind.FAILURE,
      Status.Code.FAILED_PRECONDITION,
      "The workload writes its memory faster than the link takes it, and the policy does not let the migration go on so.",
      "Repeat it when the workload is quieter or the link freer, with a larger downtime budget, or with on_no_convergence post-copy, throttle or force."),
  RUNTIME_FAILED(
      Kind.FAILURE,
      Status.Code.FAILED_PRECONDITION,
      "The container's runtime failed.",
      "Its own words come with the error."),
  RAN_IN_PART(
      Kind.FAILURE,
      Status.Code.ABORTED,
      "CRIU was killed, or failed, while it let one process of the workload after another run on the target: some ran, others never will.",
      "Decide with 'longshore resolve MIGRATION --abandon-target': the workload runs on at the source as it was at the freeze, and what its processes did on the target since is lost."),
  FILLING_FAILED(
      Kind.FAILURE,
      Status.Code.ABORTED,
      "What fills the workload's missing pages on the target has failed: the workload was ended there, for it would have read zeros or waited for ever.",
      "Look at the target-agent's log for the cause, and decide with 'longshore resolve MIGRATION --abandon-target': the workload runs on at the source as it was at the freeze, and what it did on the target since is lost."),
  WORKLOAD_LOST(
      Kind.FAILURE,
      Status.Code.DATA_LOSS,
      "The workload ended or was killed during the migration.",
      "Look at the logs of both agents and the kernel's for what killed it; start the workload anew."),
  TARGET_ABANDONED(
      Kind.FAILURE,
      Status.Code.ABORTED,
      "An operator decided that the target will not come back.",
      "None: the workload runs on the source. Keep the target off until it was told that it must not run it."),
  CANCELLED(
      Kind.FAILURE,
      Status.Code.CANCELLED,
      "The migration was cancelled.",
      "None: the workload runs on the source."),
  INTERNAL(
      Kind.FAILURE,
      Status.Code.INTERNAL,
      "Something that should not happen: a defect of Longshore.",
      "Look up the id from the message in the service's log and report it.");

  /** When a reason is given. */
  public enum Kind {
    /** Found by the plan; nothing was touched. */
    OBSTACLE,
    /** A call is refused. */
    CALL,
    /** A migration fails on the way. */
    FAILURE
  }

  private final Kind kind;
  private final Status.Code statusCode;
  private final String meaning;
  private final String remedy;

  Reason(Kind kind, Status.Code statusCode, String meaning, String remedy) {
    this.kind = kind;
    this.statusCode = statusCode;
    this.meaning = meaning;
    this.remedy = remedy;
  }

  /** When it is given. */
  public Kind kind() {
    return kind;
  }

  /** The gRPC status that calls failing for this reason have. */
  public Status.Code statusCode() {
    return statusCode;
  }

  /** What it means, one sentence. */
  public String meaning() {
    return meaning;
  }

  /** What to do about it, one sentence. */
  public String remedy() {
    return remedy;
  }
}
