package io.longshore.criu.rpc;

import io.longshore.criu.rpc.CriuRequest.InheritedDescriptor;
import io.longshore.criu.rpc.CriuRequest.JoinedNamespace;
import io.longshore.criu.rpc.CriuRequest.Mount;
import io.longshore.linux.NamedCgroups;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * Says what runc asks CRIU for in options of the command line, which come to those that the agents
 * give for every workload.
 *
 * <p>The network namespace of a container can be carried as one that comes from outside, though it
 * is the container's own: then the dump leaves alone what is in it, and the restore puts the
 * container into one that was made before.
 */
public final class CriuOptionsOfRunc {
  /** What CRIU's images call a network namespace from outside; runc's name for it. */
  private static final String OUTER_NETWORK = "extRootNetNS";

  private static final String CGROUPS = "/sys/fs/cgroup/";

  /** Above what CRIU's launcher uses, and below what CRIU does. */
  private static final int FIRST_DESCRIPTOR = 10;

  private CriuOptionsOfRunc() {}

  /**
   * What a restore is told.
   *
   * @param options of {@code criu restore}
   * @param descriptors what CRIU must have open, by number
   */
  public record OfRestore(List<String> options, Map<Integer, Source> descriptors) {
    /** Copies. */
    public OfRestore {
      options = List.copyOf(options);
      descriptors = Map.copyOf(descriptors);
    }
  }

  /** Where a descriptor comes from. */
  public sealed interface Source {
    /**
     * One that the process has which runc takes for CRIU.
     *
     * @param number there
     */
    record OfStandIn(int number) implements Source {}

    /**
     * A file.
     *
     * @param path absolute
     */
    record File(String path) implements Source {}
  }

  /**
   * Options of {@code criu dump}.
   *
   * @param ownNetwork the inode of the container's own network namespace, if it is to be carried as
   *     one from outside
   */
  public static List<String> dump(CriuRequest request, OptionalLong ownNetwork) {
    List<String> options = common(request);
    boolean outer =
        request.external().stream().anyMatch(each -> each.endsWith(":" + OUTER_NETWORK));
    if (ownNetwork.isPresent() && !outer) {
      options.addAll(
          List.of("--external", "net[%d]:%s".formatted(ownNetwork.getAsLong(), OUTER_NETWORK)));
      outer = true;
    }
    addMounts(options, request.mounts());
    addEmptyNetwork(options, request, outer);
    return List.copyOf(options);
  }

  /**
   * Options of {@code criu restore}. The container sees of the cgroup hierarchies what is below its
   * own cgroups, as it does when runc starts it anew: runc 1.1.5 names those that runc itself is
   * in.
   *
   * @param cgroups folders of the container's cgroups by controller, as {@link NamedCgroups} has
   *     them
   * @param ownNetwork the file of the network namespace that was made for it, if it was dumped as
   *     one from outside
   */
  public static OfRestore restore(
      CriuRequest request, Map<String, Path> cgroups, Optional<String> ownNetwork) {
    List<String> options = common(request);
    Map<Integer, Source> descriptors = new LinkedHashMap<>();
    boolean outer = false;
    for (InheritedDescriptor each : request.inherited()) {
      boolean network = each.key().equals(OUTER_NETWORK);
      if (network && ownNetwork.isPresent()) {
        continue;
      }
      outer |= network;
      inherit(options, descriptors, each.key(), new Source.OfStandIn(each.number()));
    }
    if (ownNetwork.isPresent()) {
      outer = true;
      inherit(options, descriptors, OUTER_NETWORK, new Source.File(ownNetwork.get()));
    }
    for (JoinedNamespace each : request.joined()) {
      options.addAll(List.of("--join-ns", each.kind() + ":" + each.path()));
    }
    addMounts(
        options, request.mounts().stream().map(mount -> ofOwnCgroup(mount, cgroups)).toList());
    addEmptyNetwork(options, request, outer);
    return new OfRestore(options, descriptors);
  }

  private static List<String> common(CriuRequest request) {
    List<String> options = new ArrayList<>();
    request.root().ifPresent(root -> options.addAll(List.of("--root", root)));
    if (request.evasiveDevices()) {
      options.add("--evasive-devices");
    }
    request.external().forEach(each -> options.addAll(List.of("--external", each)));
    return options;
  }

  private static void addMounts(List<String> options, List<Mount> mounts) {
    for (Mount mount : mounts) {
      options.addAll(List.of("--external", "mnt[%s]:%s".formatted(mount.key(), mount.value())));
    }
  }

  private static void addEmptyNetwork(List<String> options, CriuRequest request, boolean outer) {
    if (request.emptyNetwork() && !outer) {
      options.addAll(List.of("--empty-ns", "net"));
    }
  }

  private static void inherit(
      List<String> options, Map<Integer, Source> descriptors, String key, Source source) {
    int number = FIRST_DESCRIPTOR + descriptors.size();
    descriptors.put(number, source);
    options.addAll(List.of("--inherit-fd", "fd[%d]:%s".formatted(number, key)));
  }

  private static Mount ofOwnCgroup(Mount mount, Map<String, Path> cgroups) {
    if (!mount.key().startsWith(CGROUPS)) {
      return mount;
    }
    // Where a hierarchy is mounted tells its controllers.
    String first = mount.key().substring(CGROUPS.length()).split(",", 2)[0];
    return Stream.of(first, "name=" + first)
        .map(cgroups::get)
        .filter(Objects::nonNull)
        .findFirst()
        .map(folder -> new Mount(mount.key(), folder.toString()))
        .orElse(mount);
  }
}
