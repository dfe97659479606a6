package io.longshore.linux.network;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A network namespace that a migration makes for a container which comes: with all that the
 * container's had, and closed ({@link NamespaceLock}). It has a name, {@code longshore-MIGRATION}
 * of ip-netns(8), so it outlives whoever made it, and is found and removed by anybody.
 *
 * <p>All methods are for a thread in the host's own network namespace.
 */
public final class PreparedNamespace implements AutoCloseable {
  private static final String PREFIX = "longshore-";
  private static final Path FOLDER = Path.of("/run/netns");

  private final String migration;
  private final NetworkNamespace namespace;

  private PreparedNamespace(String migration, NetworkNamespace namespace) {
    this.migration = migration;
    this.namespace = namespace;
  }

  /**
   * Says what this host lacks for a network, each as one sentence without a full stop. Changes
   * nothing.
   *
   * @return empty if nothing
   */
  public static List<String> obstacles(ContainerNetwork network) throws IOException {
    List<JsonObject> links = IpJson.list("-details", "link", "show");
    List<String> obstacles = new ArrayList<>();
    for (String bridge : network.pairs().stream().map(NetworkDevice::bridge).distinct().toList()) {
      Optional<JsonObject> found =
          links.stream().filter(link -> IpJson.text(link, "ifname").equals(bridge)).findFirst();
      if (found.isEmpty()) {
        obstacles.add("there is no bridge " + bridge);
        continue;
      }
      JsonObject info = IpJson.object(found.get(), "linkinfo");
      if (!IpJson.text(info, "info_kind").equals("bridge")) {
        obstacles.add(bridge + " is no bridge");
      } else if (!IpJson.words(found.get(), "flags").contains("UP")) {
        obstacles.add("the bridge %s is down".formatted(bridge));
      } else if (IpJson.number(IpJson.object(info, "info_data"), "vlan_filtering", 0) != 0) {
        obstacles.add("the bridge %s has VLANs, of which nothing is known".formatted(bridge));
      }
    }
    return obstacles;
  }

  /**
   * Makes it, closed from its first moment. What an earlier attempt of the migration left is
   * removed before, and nothing is left if this one fails.
   *
   * @param migration letters, digits and '-'
   * @throws IOException saying what could not be made, or is not as it should be
   */
  public static PreparedNamespace make(String migration, ContainerNetwork network)
      throws IOException {
    String name = name(migration);
    remove(migration);
    try {
      Program.run(List.of("ip", "netns", "add", name), "");
      PreparedNamespace prepared =
          new PreparedNamespace(migration, NetworkNamespace.at(FOLDER.resolve(name)));
      try {
        prepared.fill(name, network);
        return prepared;
      } catch (IOException | RuntimeException e) {
        prepared.close();
        throw e;
      }
    } catch (IOException | RuntimeException e) {
      try {
        remove(migration);
      } catch (IOException left) {
        e.addSuppressed(left);
      }
      throw e;
    }
  }

  /**
   * The one that the migration has made.
   *
   * @return empty if there is none, or its making did not get far enough for anything to be in it
   */
  public static Optional<PreparedNamespace> find(String migration) throws IOException {
    Path file = FOLDER.resolve(name(migration));
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(new PreparedNamespace(migration, NetworkNamespace.at(file)));
    } catch (IOException e) {
      // An empty file, on which nothing was mounted yet.
      return Optional.empty();
    }
  }

  /** Migrations that have made one, dead ones included. */
  public static List<String> migrations() throws IOException {
    if (!Files.isDirectory(FOLDER)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith(PREFIX))
          .map(name -> name.substring(PREFIX.length()))
          .sorted()
          .toList();
    }
  }

  /** The file that stands for a migration's, if it has made one. */
  public static Path file(String migration) {
    return FOLDER.resolve(name(migration));
  }

  /**
   * Leaves it to the processes that are in it, open and without its name; it ends with them. If
   * there are none, removes it. Again does nothing.
   */
  public static void settle(String migration) throws IOException {
    Optional<PreparedNamespace> found = find(migration);
    if (found.isPresent()) {
      try (PreparedNamespace prepared = found.get()) {
        if (prepared.isInhabited()) {
          prepared.lock().release();
          forget(migration);
          return;
        }
      }
    }
    remove(migration);
  }

  /**
   * Removes it and the ends of its devices on the bridges. Processes that are in it have no network
   * any more. Again does nothing.
   */
  public static void remove(String migration) throws IOException {
    Optional<PreparedNamespace> found = find(migration);
    if (found.isPresent()) {
      try (PreparedNamespace prepared = found.get()) {
        removeDevices(prepared.namespace);
      }
    }
    forget(migration);
  }

  /**
   * Removes all pairs of devices that a namespace has, both ends of each, at once: the kernel takes
   * its time to do it when the namespace ends.
   */
  public static void removeDevices(NetworkNamespace namespace) throws IOException {
    for (JsonObject device : IpJson.list(namespace, "link", "show", "type", "veth")) {
      namespace.run(List.of("ip", "link", "delete", "dev", IpJson.text(device, "ifname")), "");
    }
  }

  /** The namespace itself; closed with this. */
  public NetworkNamespace namespace() {
    return namespace;
  }

  /** The file that stands for it. */
  public Path path() {
    return file(migration);
  }

  /** What keeps it closed. */
  public NamespaceLock lock() {
    return new NamespaceLock(namespace, migration);
  }

  /** Whether a process is in it. */
  public boolean isInhabited() throws IOException {
    try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
      return processes
          .filter(path -> path.getFileName().toString().matches("[0-9]+"))
          .anyMatch(this::isHere);
    }
  }

  /** Lets go of it; it stays. */
  @Override
  public void close() {
    namespace.close();
  }

  private boolean isHere(Path process) {
    try {
      return Files.readSymbolicLink(process.resolve("ns/net"))
          .toString()
          .equals(namespace.identity());
    } catch (IOException e) {
      // It has ended.
      return false;
    }
  }

  private void fill(String name, ContainerNetwork network) throws IOException {
    NamespaceMaking making = new NamespaceMaking(network);
    lock().prepareSealed();
    NamespaceMaking.run(Program::run, making.pairs(name));
    NamespaceMaking.run(namespace::run, making.devices());
    namespace.call(
        () -> {
          NamespaceSettings.write(network.settings());
          return true;
        });
    NamespaceMaking.run(namespace::run, making.addressesAndRoutes());
    List<String> differences = making.differences(NamespaceReader.read(namespace));
    if (!differences.isEmpty()) {
      throw new IOException(
          "the network namespace %s was made and is not as the container's: %s"
              .formatted(name, String.join("; ", differences)));
    }
  }

  private static void forget(String migration) throws IOException {
    String name = name(migration);
    if (Files.exists(FOLDER.resolve(name))) {
      Program.run(List.of("ip", "netns", "delete", name), "");
    }
  }

  private static String name(String migration) {
    if (!migration.matches("[A-Za-z0-9-]{1,64}")) {
      throw new IllegalArgumentException("not the name of a migration: " + migration);
    }
    return PREFIX + migration;
  }
}
