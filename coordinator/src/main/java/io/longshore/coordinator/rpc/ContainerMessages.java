package io.longshore.coordinator.rpc;

import io.longshore.coordinator.agent.ContainerPolicy;
import io.longshore.coordinator.agent.ContainerPolicy.Mount;
import io.longshore.coordinator.agent.ContainerPolicy.MountTreatment;
import io.longshore.coordinator.agent.ContainerPolicy.TcpConnections;
import io.longshore.coordinator.agent.Workload;
import io.longshore.v1.ContainerWorkload;
import io.longshore.v1.MountPolicy;
import io.longshore.v1.ProcessWorkload;
import io.longshore.v1.SelfTestWorkload;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Workloads, and what is to become of containers, as messages; and what is wrong with these. */
public final class ContainerMessages {
  private static final int LONGEST_PATH = 4095;
  private static final int LONGEST_ID = 128;
  private static final int MOST_MOUNTS = 256;
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9_+.][A-Za-z0-9_+.-]*");
  private static final Pattern RUNTIME = Pattern.compile("[a-z0-9]{1,32}");
  private static final String DEFAULT_RUNTIME = "runc";

  private ContainerMessages() {}

  /** A workload as a message. */
  public static io.longshore.v1.Workload workload(Workload workload) {
    io.longshore.v1.Workload.Builder message = io.longshore.v1.Workload.newBuilder();
    switch (workload) {
      case Workload.ProcessTree(int pid) ->
          message.setProcess(ProcessWorkload.newBuilder().setPid(pid));
      case Workload.SelfTest(int pid) ->
          message.setSelfTest(SelfTestWorkload.newBuilder().setPid(pid));
      case Workload.Container(String runtime, String id) ->
          message.setContainer(ContainerWorkload.newBuilder().setRuntime(runtime).setId(id));
    }
    return message.build();
  }

  /** A container from a request. */
  public static Workload.Container container(String field, ContainerWorkload message) {
    String id = Fields.text(field + ".id", message.getId(), LONGEST_ID);
    if (!ID.matcher(id).matches() || id.equals(".") || id.equals("..")) {
      throw Fields.invalid(
          field + ".id",
          "is '%s': the id of a container has letters, digits, '_', '+', '.' and '-', and does not begin with '-'"
              .formatted(Fields.shown(id)));
    }
    String runtime = message.getRuntime().isEmpty() ? DEFAULT_RUNTIME : message.getRuntime();
    if (!RUNTIME.matcher(runtime).matches() || runtime.equals(Workload.ProcessTree.KIND)) {
      throw Fields.invalid(
          field + ".runtime",
          "is '%s': expected a runtime of containers, such as runc"
              .formatted(Fields.shown(runtime)));
    }
    return new Workload.Container(runtime, id);
  }

  /** What is to become of a container, as a message. */
  public static io.longshore.v1.ContainerPolicy policy(ContainerPolicy policy) {
    return io.longshore.v1.ContainerPolicy.newBuilder()
        .setBundle(policy.bundle())
        .setRuntimeRoot(policy.runtimeRoot())
        .setCgroupParent(policy.cgroupParent())
        .addAllMounts(policy.mounts().stream().map(ContainerMessages::mount).toList())
        .setTcpConnections(
            switch (policy.tcpConnections()) {
              case KEEP -> io.longshore.v1.TcpConnections.TCP_CONNECTIONS_KEEP;
              case CLOSE -> io.longshore.v1.TcpConnections.TCP_CONNECTIONS_CLOSE;
            })
        .build();
  }

  /** What is to become of a container, from a request. */
  public static ContainerPolicy policy(String field, io.longshore.v1.ContainerPolicy message) {
    if (message.getMountsCount() > MOST_MOUNTS) {
      throw Fields.invalid(
          field + ".mounts",
          "has %d mounts: at most %d".formatted(message.getMountsCount(), MOST_MOUNTS));
    }
    List<Mount> mounts =
        message.getMountsList().stream().map(mount -> mount(field + ".mounts", mount)).toList();
    Set<String> destinations = new HashSet<>();
    for (Mount mount : mounts) {
      if (!destinations.add(mount.destination())) {
        throw Fields.invalid(
            field + ".mounts", "names '" + Fields.shown(mount.destination()) + "' twice");
      }
    }
    return new ContainerPolicy(
        pathOrNone(field + ".bundle", message.getBundle()),
        pathOrNone(field + ".runtime_root", message.getRuntimeRoot()),
        pathOrNone(field + ".cgroup_parent", message.getCgroupParent()),
        mounts,
        switch (message.getTcpConnections()) {
          case TCP_CONNECTIONS_UNSPECIFIED -> ContainerPolicy.DEFAULT.tcpConnections();
          case TCP_CONNECTIONS_KEEP -> TcpConnections.KEEP;
          case TCP_CONNECTIONS_CLOSE -> TcpConnections.CLOSE;
          case UNRECOGNIZED ->
              throw Fields.invalid(
                  field + ".tcp_connections",
                  "is "
                      + message.getTcpConnectionsValue()
                      + ", which this coordinator does not know");
        });
  }

  private static MountPolicy mount(Mount mount) {
    return MountPolicy.newBuilder()
        .setDestination(mount.destination())
        .setTreatment(
            switch (mount.treatment()) {
              case SYNC -> io.longshore.v1.MountTreatment.MOUNT_TREATMENT_SYNC;
              case SHARED -> io.longshore.v1.MountTreatment.MOUNT_TREATMENT_SHARED;
              case SKIP -> io.longshore.v1.MountTreatment.MOUNT_TREATMENT_SKIP;
            })
        .build();
  }

  private static Mount mount(String field, MountPolicy message) {
    return new Mount(
        path(field + ".destination", message.getDestination()),
        switch (message.getTreatment()) {
          case MOUNT_TREATMENT_SYNC -> MountTreatment.SYNC;
          case MOUNT_TREATMENT_SHARED -> MountTreatment.SHARED;
          case MOUNT_TREATMENT_SKIP -> MountTreatment.SKIP;
          case MOUNT_TREATMENT_UNSPECIFIED, UNRECOGNIZED ->
              throw Fields.invalid(
                  field + ".treatment",
                  "is " + message.getTreatmentValue() + ": expected sync, shared or skip");
        });
  }

  private static String pathOrNone(String field, String value) {
    return value.isEmpty() ? value : path(field, value);
  }

  private static String path(String field, String value) {
    Fields.text(field, value, LONGEST_PATH);
    if (!value.startsWith("/")) {
      throw Fields.invalid(field, "is '" + Fields.shown(value) + "': expected an absolute path");
    }
    return value;
  }
}
