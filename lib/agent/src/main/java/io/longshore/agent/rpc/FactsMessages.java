package io.longshore.agent.rpc;

import io.longshore.agent.host.NodeFacts;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.v1.FileFacts.Use;
import io.longshore.agent.workload.FileFacts;
import io.longshore.agent.workload.ServiceAddressFacts;
import io.longshore.agent.workload.TaskFacts;
import io.longshore.agent.workload.TcpSocketFacts;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import io.longshore.v1.NodeCapabilities;
import io.longshore.v1.Obstacle;
import java.util.Set;

/** Between messages and what agents work with. What cannot be understood is INVALID_ARGUMENT. */
public final class FactsMessages {
  /** More than any host has; sums of a few such sizes do not overflow. */
  private static final long MOST_BYTES = 1L << 56;

  private FactsMessages() {}

  /** The migration of an order. */
  public static MigrationRef ref(io.longshore.agent.v1.MigrationRef message) {
    return new MigrationRef(message.getMigrationId(), message.getEpoch());
  }

  /** A workload as a message. */
  public static io.longshore.agent.v1.WorkloadFacts facts(WorkloadFacts facts) {
    var message =
        io.longshore.agent.v1.WorkloadFacts.newBuilder()
            .setCommand(facts.command())
            .setPrivateBytes(facts.privateBytes())
            .setSharedBytes(facts.sharedBytes());
    for (TaskFacts task : facts.tasks()) {
      message.addTasks(
          io.longshore.agent.v1.TaskFacts.newBuilder()
              .setVpid(task.vpid())
              .addAllTids(task.tids())
              .setCommand(task.command()));
    }
    for (FileFacts file : facts.files()) {
      message.addFiles(
          io.longshore.agent.v1.FileFacts.newBuilder()
              .setPath(file.path())
              .setUse(use(file.use()))
              .setSizeBytes(file.bytes())
              .setCrc32C(file.crc32c())
              .setMode(file.mode())
              .setWrittenInode(file.writtenInode()));
    }
    for (TcpSocketFacts socket : facts.tcpSockets()) {
      message.addTcpSockets(
          io.longshore.agent.v1.TcpSocketFacts.newBuilder()
              .setLocalAddress(socket.localAddress())
              .setLocalPort(socket.localPort())
              .setEstablished(socket.established())
              .setInternal(socket.internal()));
    }
    for (ServiceAddressFacts address : facts.serviceAddresses()) {
      message.addServiceAddresses(
          io.longshore.agent.v1.ServiceAddressFacts.newBuilder()
              .setCidr(address.cidr())
              .setInterfaceName(address.interfaceName()));
    }
    if (facts.container() != null) {
      message.setContainer(ContainerMessages.facts(facts.container()));
    }
    return message.build();
  }

  /** A workload from a message. */
  public static WorkloadFacts facts(io.longshore.agent.v1.WorkloadFacts message) {
    return new WorkloadFacts(
        message.getCommand(),
        message.getTasksList().stream()
            .map(task -> new TaskFacts(task.getVpid(), task.getTidsList(), task.getCommand()))
            .toList(),
        message.getFilesList().stream().map(FactsMessages::file).toList(),
        message.getTcpSocketsList().stream()
            .map(
                socket ->
                    new TcpSocketFacts(
                        socket.getLocalAddress(),
                        socket.getLocalPort(),
                        socket.getEstablished(),
                        socket.getInternal()))
            .toList(),
        size("facts.private_bytes", message.getPrivateBytes()),
        size("facts.shared_bytes", message.getSharedBytes()),
        message.getServiceAddressesList().stream()
            .map(address -> new ServiceAddressFacts(address.getCidr(), address.getInterfaceName()))
            .toList(),
        message.hasContainer() ? ContainerMessages.facts(message.getContainer()) : null);
  }

  /** A host from a message. */
  public static NodeFacts node(NodeCapabilities message) {
    return new NodeFacts(
        message.getArchitecture(),
        Set.copyOf(message.getCpuFeaturesList()),
        message.getKernelRelease(),
        message.getCriuVersion(),
        message.getLazyRestore(),
        message.getRuntimesList(),
        message.getAvailableMemoryBytes(),
        message.getTotalMemoryBytes());
  }

  /** A host as a message. */
  public static NodeCapabilities capabilities(NodeFacts facts) {
    return NodeCapabilities.newBuilder()
        .setArchitecture(facts.architecture())
        .addAllCpuFeatures(facts.cpuFeatures())
        .setKernelRelease(facts.kernelRelease())
        .setCriuVersion(facts.criuVersion())
        .setLazyRestore(facts.lazyRestore())
        .addAllRuntimes(facts.runtimes())
        .setAvailableMemoryBytes(facts.availableBytes())
        .setTotalMemoryBytes(facts.totalBytes())
        .build();
  }

  /** What stands in the way, as a message. */
  public static Obstacle obstacle(Problem problem) {
    return Obstacle.newBuilder()
        .setReason(problem.reason().name())
        .setMessage(problem.message())
        .setRemedy(problem.reason().remedy())
        .build();
  }

  private static FileFacts file(io.longshore.agent.v1.FileFacts message) {
    if (!message.getPath().startsWith("/") || message.getPath().indexOf('\0') >= 0) {
      throw new LongshoreException(
          Reason.INVALID_ARGUMENT, "facts.files: every path must be absolute and without NUL");
    }
    FileFacts.Use use =
        switch (message.getUse()) {
          case USE_DIRECTORY -> FileFacts.Use.DIRECTORY;
          case USE_OPEN -> FileFacts.Use.OPEN;
          case USE_MAPPED -> FileFacts.Use.MAPPED;
          case USE_UNSPECIFIED, UNRECOGNIZED ->
              throw new LongshoreException(
                  Reason.INVALID_ARGUMENT, "facts.files: the use of a file is missing");
        };
    return new FileFacts(
        message.getPath(),
        use,
        size("facts.files: size_bytes", message.getSizeBytes()),
        message.getCrc32C(),
        message.getMode(),
        message.getWrittenInode());
  }

  private static long size(String field, long bytes) {
    if (bytes < 0 || bytes > MOST_BYTES) {
      throw new LongshoreException(
          Reason.INVALID_ARGUMENT, field + " must be 0 to 2^56, found " + bytes);
    }
    return bytes;
  }

  private static Use use(FileFacts.Use use) {
    return switch (use) {
      case DIRECTORY -> Use.USE_DIRECTORY;
      case OPEN -> Use.USE_OPEN;
      case MAPPED -> Use.USE_MAPPED;
    };
  }
}
