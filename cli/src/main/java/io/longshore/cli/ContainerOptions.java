package io.longshore.cli;

import io.longshore.v1.ContainerPolicy;
import io.longshore.v1.MountPolicy;
import io.longshore.v1.MountTreatment;
import io.longshore.v1.TcpConnections;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;

/** What is to become of a container on the target. */
final class ContainerOptions {
  @Option(
      names = "--runtime",
      paramLabel = "RUNTIME",
      description = "What runs it (default: runc); 'longshore nodes NODE' says what a node has.")
  private String runtime = "";

  @Option(
      names = "--bundle",
      paramLabel = "DIR",
      description = "Folder of its bundle on the target (default: the same as on the source).")
  private String bundle = "";

  @Option(
      names = "--runtime-root",
      paramLabel = "DIR",
      description = "Where the runtime keeps its state on the target (default: the runtime's own).")
  private String runtimeRoot = "";

  @Option(
      names = "--cgroup-parent",
      paramLabel = "PATH",
      description =
          "Below which its control groups are made on the target (default: the same as on the source).")
  private String cgroupParent = "";

  @Option(
      names = "--mount",
      paramLabel = "DIR=TREATMENT",
      converter = {NoConverter.class, TreatmentConverter.class},
      description =
          "What is done with the content of a mount, by where it is in the container: sync, shared (the nodes have it in common) or skip; can be repeated.")
  private Map<String, MountTreatment> mounts = new LinkedHashMap<>();

  @Option(
      names = "--tcp",
      paramLabel = "WHAT",
      converter = TcpConverter.class,
      description = "keep or close: what becomes of established connections (default: keep).")
  private TcpConnections tcp = TcpConnections.TCP_CONNECTIONS_UNSPECIFIED;

  String runtime() {
    return runtime;
  }

  ContainerPolicy policy() {
    ContainerPolicy.Builder policy =
        ContainerPolicy.newBuilder()
            .setBundle(bundle)
            .setRuntimeRoot(runtimeRoot)
            .setCgroupParent(cgroupParent)
            .setTcpConnections(tcp);
    mounts.forEach(
        (destination, treatment) ->
            policy.addMounts(
                MountPolicy.newBuilder().setDestination(destination).setTreatment(treatment)));
    return policy.build();
  }

  /** For the command line's parser. */
  static final class NoConverter implements ITypeConverter<String> {
    @Override
    public String convert(String value) {
      return value;
    }
  }

  /** For the command line's parser. */
  static final class TreatmentConverter implements ITypeConverter<MountTreatment> {
    @Override
    public MountTreatment convert(String value) {
      return Words.mountTreatment(value);
    }
  }

  /** For the command line's parser. */
  static final class TcpConverter implements ITypeConverter<TcpConnections> {
    @Override
    public TcpConnections convert(String value) {
      return Words.tcpConnections(value);
    }
  }
}
