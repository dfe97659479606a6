package io.longshore.linux.network;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * All that a network namespace has, as far as it can be made again on another host.
 *
 * @param devices loopback among them
 * @param routes in the order of the tables
 * @param settings what differs from a new namespace with these devices: paths below {@code
 *     /proc/sys/net} with their content
 */
public record ContainerNetwork(
    List<NetworkDevice> devices, List<NetworkRoute> routes, SortedMap<String, String> settings) {
  // No ".." and nothing that leads out of /proc/sys/net.
  private static final Pattern SETTING =
      Pattern.compile("[a-z0-9]+(/[A-Za-z0-9_][A-Za-z0-9_.:@-]*){1,4}");
  private static final Pattern VALUE = Pattern.compile("[\\x20-\\x7e\\t\\n]{0,4096}");

  /** Refuses what cannot be made: it may come from another host. */
  public ContainerNetwork {
    devices = List.copyOf(devices);
    routes = List.copyOf(routes);
    settings = Collections.unmodifiableSortedMap(new TreeMap<>(settings));
    long names = devices.stream().map(NetworkDevice::name).distinct().count();
    DeviceAddress.check(
        names == devices.size() && devices.stream().anyMatch(NetworkDevice::isLoopback),
        "devices",
        devices.toString());
    for (NetworkRoute route : routes) {
      DeviceAddress.check(
          route.device().isEmpty() || has(devices, route.device()), "route", route.toString());
    }
    for (Map.Entry<String, String> setting : settings.entrySet()) {
      DeviceAddress.check(
          SETTING.matcher(setting.getKey()).matches(), "settings", setting.getKey());
      DeviceAddress.check(
          VALUE.matcher(setting.getValue()).matches(), "settings", setting.toString());
    }
  }

  /** The devices that have another end, so all but loopback. */
  public List<NetworkDevice> pairs() {
    return devices.stream().filter(device -> !device.isLoopback()).toList();
  }

  /**
   * The same with its devices on other bridges.
   *
   * @param bridges for a bridge, that which takes its place; others stay
   */
  public ContainerNetwork onBridges(Map<String, String> bridges) {
    return new ContainerNetwork(
        devices.stream()
            .map(device -> device.onBridge(bridges.getOrDefault(device.bridge(), device.bridge())))
            .toList(),
        routes,
        settings);
  }

  private static boolean has(List<NetworkDevice> devices, String name) {
    return devices.stream().anyMatch(device -> device.name().equals(name));
  }
}
