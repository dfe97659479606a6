package io.longshore.linux.network;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/** Reads what a network namespace has, by ip(8) and nft(8). Changes nothing. */
public final class NamespaceReader {
  private static final Set<String> PACKET_FILTERS = Set.of("ip_tables_names", "ip6_tables_names");

  private NamespaceReader() {}

  /**
   * What was found.
   *
   * @param network what can be made again on another host
   * @param unsupported what cannot, each as "the device tun0 of kind tun"
   */
  public record Reading(ContainerNetwork network, List<String> unsupported) {
    /** Copies the list. */
    public Reading {
      unsupported = List.copyOf(unsupported);
    }
  }

  /** What a namespace has that nobody changed, but for devices of these names. */
  private record Unchanged(Set<String> devices, Map<String, String> settings) {}

  /**
   * Reads it; the calling thread is in the host's own namespace.
   *
   * @throws IOException if it cannot be read, or is the host's own
   */
  public static Reading read(NetworkNamespace namespace) throws IOException {
    List<String> unsupported = new ArrayList<>();
    List<JsonObject> hostDevices = IpJson.list("-details", "link", "show");
    try (NetworkNamespace host = NetworkNamespace.current()) {
      if (host.identity().equals(namespace.identity())) {
        throw new IOException("expected a network namespace of its own, found the host's");
      }
      OptionalInt hostNumber = namespace.call(() -> NamespaceIds.of(host));
      return read(namespace, new DeviceReader(hostDevices, hostNumber, unsupported), unsupported);
    }
  }

  private static Reading read(
      NetworkNamespace namespace, DeviceReader reader, List<String> unsupported)
      throws IOException {
    List<JsonObject> found = IpJson.list(namespace, "-details", "address", "show");
    Unchanged unchanged = unchanged(found);
    List<NetworkDevice> devices =
        reader.read(
            found.stream().filter(device -> !comesByItself(device, unchanged.devices())).toList());
    Set<String> names = devices.stream().map(NetworkDevice::name).collect(Collectors.toSet());
    List<NetworkRoute> routes = new RouteReader(namespace, names, unsupported).read();
    packetFilters(namespace, unsupported);
    return new Reading(
        new ContainerNetwork(
            devices,
            routes,
            namespace.call(
                () -> NamespaceSettings.differing(NamespaceSettings.read(), unchanged.settings()))),
        unsupported);
  }

  /** Modules of the kernel add devices such as tunl0 to every namespace. */
  private static boolean comesByItself(JsonObject device, Set<String> unchanged) {
    String name = IpJson.text(device, "ifname");
    return !name.equals(NetworkDevice.LOOPBACK)
        && unchanged.contains(name)
        && !isVeth(device)
        && !IpJson.words(device, "flags").contains("UP");
  }

  private static boolean isVeth(JsonObject device) {
    return IpJson.text(IpJson.object(device, "linkinfo"), "info_kind").equals("veth");
  }

  private static Unchanged unchanged(List<JsonObject> devices) throws IOException {
    StringBuilder commands = new StringBuilder();
    int ends = 0;
    for (JsonObject device : devices) {
      String name = IpJson.text(device, "ifname");
      if (isVeth(device) && NetworkDevice.isName(name)) {
        commands.append(
            "link add name %s type veth peer name longshore-%d%n".formatted(name, ends++));
      }
    }
    try (NetworkNamespace created = NetworkNamespace.create()) {
      created.run(List.of("ip", "-batch", "-"), commands.toString());
      return new Unchanged(
          IpJson.list(created, "link", "show").stream()
              .map(device -> IpJson.text(device, "ifname"))
              .collect(Collectors.toSet()),
          created.call(NamespaceSettings::read));
    }
  }

  private static void packetFilters(NetworkNamespace namespace, List<String> unsupported)
      throws IOException {
    for (String table : NamespaceLock.tables(namespace)) {
      // Those of migrations come and go.
      if (NamespaceLock.migration(table).isEmpty()) {
        unsupported.add("the nftables table " + table);
      }
    }
    namespace.call(() -> olderFilters(unsupported));
  }

  private static boolean olderFilters(List<String> unsupported) throws IOException {
    for (String names : PACKET_FILTERS) {
      Path file = Path.of("/proc/thread-self/net", names);
      if (Files.exists(file)) {
        for (String table : Files.readAllLines(file)) {
          unsupported.add("the iptables table %s in %s".formatted(table, names));
        }
      }
    }
    return true;
  }
}
