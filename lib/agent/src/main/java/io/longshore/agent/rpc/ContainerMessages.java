package io.longshore.agent.rpc;

import io.longshore.agent.runtime.WorkloadName;
import io.longshore.agent.v1.MountFacts;
import io.longshore.agent.v1.NamespaceFacts;
import io.longshore.agent.workload.ContainerFacts;
import io.longshore.agent.workload.ContainerPolicy;
import io.longshore.agent.workload.ContainerPolicy.MountTreatment;
import io.longshore.agent.workload.ContainerPolicy.TcpConnections;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.v1.ContainerWorkload;
import io.longshore.v1.MountPolicy;
import io.longshore.v1.ProcessWorkload;
import io.longshore.v1.Workload;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Between messages and what agents know of containers. What cannot be is INVALID_ARGUMENT. */
public final class ContainerMessages {
  /** Of a workload that names none. */
  private static final String DEFAULT_RUNTIME = "runc";

  private ContainerMessages() {}

  /** How the workload of a message is named. */
  public static WorkloadName name(Workload message) {
    return switch (message.getKindCase()) {
      case PROCESS -> WorkloadName.ofProcess(message.getProcess().getPid());
      case SELF_TEST -> WorkloadName.ofProcess(message.getSelfTest().getPid());
      case CONTAINER -> {
        ContainerWorkload container = message.getContainer();
        String runtime = container.getRuntime();
        yield checked(runtime.isEmpty() ? DEFAULT_RUNTIME : runtime, container.getId());
      }
      case KIND_NOT_SET -> throw invalid("workload: its kind is missing");
    };
  }

  /** A workload as a message. */
  public static Workload workload(WorkloadName name) {
    return name.runtime().equals(WorkloadName.PROCESS)
        ? Workload.newBuilder()
            .setProcess(ProcessWorkload.newBuilder().setPid(Integer.parseInt(name.name())))
            .build()
        : Workload.newBuilder()
            .setContainer(
                ContainerWorkload.newBuilder().setRuntime(name.runtime()).setId(name.name()))
            .build();
  }

  /** What is to become of a container, from a message. */
  public static ContainerPolicy policy(io.longshore.v1.ContainerPolicy message) {
    Map<String, MountTreatment> mounts = new TreeMap<>();
    for (MountPolicy mount : message.getMountsList()) {
      mounts.put(
          path("container.mounts.destination", mount.getDestination()),
          switch (mount.getTreatment()) {
            case MOUNT_TREATMENT_SYNC -> MountTreatment.SYNC;
            case MOUNT_TREATMENT_SHARED -> MountTreatment.SHARED;
            case MOUNT_TREATMENT_SKIP -> MountTreatment.SKIP;
            case MOUNT_TREATMENT_UNSPECIFIED, UNRECOGNIZED ->
                throw invalid("container.mounts: the treatment of a mount is missing");
          });
    }
    return new ContainerPolicy(
        pathOrNone("container.bundle", message.getBundle()),
        pathOrNone("container.runtime_root", message.getRuntimeRoot()),
        pathOrNone("container.cgroup_parent", message.getCgroupParent()),
        mounts,
        switch (message.getTcpConnections()) {
          case TCP_CONNECTIONS_UNSPECIFIED, TCP_CONNECTIONS_KEEP -> TcpConnections.KEEP;
          case TCP_CONNECTIONS_CLOSE -> TcpConnections.CLOSE;
          case UNRECOGNIZED -> throw invalid("container.tcp_connections: is not known");
        });
  }

  static ContainerFacts facts(io.longshore.agent.v1.ContainerFacts message) {
    WorkloadName name = checked(message.getRuntime(), message.getId());
    return new ContainerFacts(
        name.runtime(),
        message.getVersion(),
        name.name(),
        path("facts.container.bundle", message.getBundle()),
        message.getConfig(),
        message.getDescriptorsList(),
        message.getMountsList().stream()
            .map(
                mount ->
                    new ContainerFacts.Mount(
                        mount.getDestination(), mount.getSource(), mount.getType()))
            .toList(),
        message.getNamespacesList().stream()
            .map(each -> new ContainerFacts.Namespace(each.getType(), each.getPath()))
            .toList(),
        path("facts.container.cgroup", message.getCgroup()),
        policy(message.getPolicy()));
  }

  static io.longshore.agent.v1.ContainerFacts facts(ContainerFacts facts) {
    return io.longshore.agent.v1.ContainerFacts.newBuilder()
        .setRuntime(facts.runtime())
        .setVersion(facts.version())
        .setId(facts.id())
        .setBundle(facts.bundle())
        .setConfig(facts.config())
        .addAllDescriptors(facts.descriptors())
        .addAllMounts(mounts(facts))
        .addAllNamespaces(
            facts.namespaces().stream()
                .map(
                    each ->
                        NamespaceFacts.newBuilder()
                            .setType(each.type())
                            .setPath(each.path())
                            .build())
                .toList())
        .setCgroup(facts.cgroup())
        .setPolicy(policy(facts.policy()))
        .build();
  }

  private static List<MountFacts> mounts(ContainerFacts facts) {
    return facts.mounts().stream()
        .map(
            mount ->
                MountFacts.newBuilder()
                    .setDestination(mount.destination())
                    .setSource(mount.source())
                    .setType(mount.type())
                    .build())
        .toList();
  }

  private static io.longshore.v1.ContainerPolicy policy(ContainerPolicy policy) {
    io.longshore.v1.ContainerPolicy.Builder message =
        io.longshore.v1.ContainerPolicy.newBuilder()
            .setBundle(policy.bundle())
            .setRuntimeRoot(policy.runtimeRoot())
            .setCgroupParent(policy.cgroupParent())
            .setTcpConnections(
                switch (policy.tcp()) {
                  case KEEP -> io.longshore.v1.TcpConnections.TCP_CONNECTIONS_KEEP;
                  case CLOSE -> io.longshore.v1.TcpConnections.TCP_CONNECTIONS_CLOSE;
                });
    policy
        .mounts()
        .forEach(
            (destination, treatment) ->
                message.addMounts(
                    MountPolicy.newBuilder()
                        .setDestination(destination)
                        .setTreatment(treatment(treatment))));
    return message.build();
  }

  private static io.longshore.v1.MountTreatment treatment(MountTreatment treatment) {
    return switch (treatment) {
      case SYNC -> io.longshore.v1.MountTreatment.MOUNT_TREATMENT_SYNC;
      case SHARED -> io.longshore.v1.MountTreatment.MOUNT_TREATMENT_SHARED;
      case SKIP -> io.longshore.v1.MountTreatment.MOUNT_TREATMENT_SKIP;
    };
  }

  private static WorkloadName checked(String runtime, String id) {
    // As runc has it (utils_linux.go, idRegex); it becomes a part of paths, and must be no option.
    if (!id.matches("[A-Za-z0-9_+.][A-Za-z0-9_+.-]*") || id.equals(".") || id.equals("..")) {
      throw invalid("container.id: '" + id + "' cannot be the id of a container");
    }
    if (runtime.equals(WorkloadName.PROCESS)) {
      throw invalid("container.runtime: 'process' runs no containers");
    }
    try {
      return new WorkloadName(runtime, id);
    } catch (IllegalArgumentException e) {
      throw new LongshoreException(Reason.INVALID_ARGUMENT, "container: " + e.getMessage(), e);
    }
  }

  private static String pathOrNone(String field, String value) {
    return value.isEmpty() ? value : path(field, value);
  }

  private static String path(String field, String value) {
    if (!value.startsWith("/") || value.indexOf('\0') >= 0) {
      throw invalid(field + ": must be an absolute path without NUL");
    }
    return value;
  }

  private static LongshoreException invalid(String message) {
    return new LongshoreException(Reason.INVALID_ARGUMENT, message);
  }
}
