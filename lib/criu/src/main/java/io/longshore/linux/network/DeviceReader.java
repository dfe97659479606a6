package io.longshore.linux.network;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/** Reads the devices of a network namespace by what ip(8) says of it and of its host. */
final class DeviceReader {
  /** Of an address, what is made by the kernel or need not be made again. */
  private static final Set<String> IGNORED =
      Set.of(
          "family",
          "local",
          "prefixlen",
          "scope",
          "label",
          "broadcast",
          "address",
          "valid_life_time",
          "preferred_life_time",
          "nodad",
          "dynamic",
          "secondary",
          "deprecated",
          "tentative",
          "optimistic",
          "protocol",
          "stable-privacy");

  /** What a port of a bridge does if nobody says otherwise; ip-link(8), bridge_slave. */
  private static final Map<String, Boolean> PORT =
      Map.ofEntries(
          Map.entry("hairpin", false),
          Map.entry("guard", false),
          Map.entry("root_block", false),
          Map.entry("fastleave", false),
          Map.entry("learning", true),
          Map.entry("flood", true),
          Map.entry("proxy_arp", false),
          Map.entry("proxy_arp_wifi", false),
          Map.entry("mcast_flood", true),
          Map.entry("bcast_flood", true),
          Map.entry("mcast_to_unicast", false),
          Map.entry("neigh_suppress", false),
          Map.entry("vlan_tunnel", false),
          Map.entry("isolated", false),
          Map.entry("locked", false));

  private static final Set<String> NO_QUEUE = Set.of("noqueue", "noop");

  private final Map<Long, JsonObject> hostByIndex = new HashMap<>();
  private final Map<String, JsonObject> hostByName = new HashMap<>();
  private final OptionalInt host;
  private final List<String> unsupported;

  /**
   * @param hostDevices what {@code ip -details link} says of the host
   * @param host the namespace's number for the host's; empty if no device leads there
   * @param unsupported is added to
   */
  DeviceReader(List<JsonObject> hostDevices, OptionalInt host, List<String> unsupported) {
    for (JsonObject device : hostDevices) {
      hostByIndex.put(IpJson.number(device, "ifindex", 0), device);
      hostByName.put(IpJson.text(device, "ifname"), device);
    }
    this.host = host;
    this.unsupported = unsupported;
  }

  /** The devices that can be made again. */
  List<NetworkDevice> read(List<JsonObject> found) {
    List<NetworkDevice> devices = new ArrayList<>();
    for (JsonObject device : found) {
      String name = IpJson.text(device, "ifname");
      int before = unsupported.size();
      String bridge = name.equals(NetworkDevice.LOOPBACK) ? "" : bridge(device, name);
      if (unsupported.size() == before) {
        try {
          devices.add(device(device, name, bridge));
        } catch (IllegalArgumentException e) {
          unsupported.add("the device %s (%s)".formatted(name, e.getMessage()));
        }
      }
    }
    return devices;
  }

  /** The device of the host that is the other end of a veth. */
  java.util.Optional<JsonObject> hostEnd(JsonObject device) {
    boolean leadsToHost =
        host.isPresent() && IpJson.number(device, "link_netnsid", -1) == host.getAsInt();
    return leadsToHost
        ? java.util.Optional.ofNullable(hostByIndex.get(IpJson.number(device, "link_index", 0)))
        : java.util.Optional.empty();
  }

  private String bridge(JsonObject device, String name) {
    String kind = IpJson.text(IpJson.object(device, "linkinfo"), "info_kind");
    if (!kind.equals("veth")) {
      unsupported.add(
          "the device %s of kind %s".formatted(name, kind.isEmpty() ? "physical" : kind));
      return "";
    }
    queue(device, "the device " + name);
    JsonObject end = hostEnd(device).orElse(null);
    if (end == null) {
      unsupported.add("the device %s, whose other end is not on this host".formatted(name));
      return "";
    }
    String endName = IpJson.text(end, "ifname");
    queue(end, "%s, the other end of %s".formatted(endName, name));
    JsonObject info = IpJson.object(end, "linkinfo");
    if (!IpJson.text(info, "info_slave_kind").equals("bridge")) {
      unsupported.add("the device %s, whose other end %s is on no bridge".formatted(name, endName));
      return "";
    }
    JsonObject port = IpJson.object(info, "info_slave_data");
    PORT.forEach(
        (option, usual) -> {
          if (port.has(option) && IpJson.flag(port, option) != usual) {
            unsupported.add(
                "the device %s, whose other end %s has '%s %s' on its bridge"
                    .formatted(name, endName, option, usual ? "off" : "on"));
          }
        });
    String bridge = IpJson.text(end, "master");
    JsonObject data =
        IpJson.object(
            IpJson.object(hostByName.getOrDefault(bridge, new JsonObject()), "linkinfo"),
            "info_data");
    if (IpJson.number(data, "vlan_filtering", 0) != 0) {
      unsupported.add(
          "the device %s, whose other end is on %s, a bridge with VLANs".formatted(name, bridge));
    }
    return bridge;
  }

  private void queue(JsonObject device, String what) {
    String queue = IpJson.text(device, "qdisc");
    if (!NO_QUEUE.contains(queue)) {
      unsupported.add("%s with the queueing discipline %s".formatted(what, queue));
    }
    if (device.has("xdp")) {
      unsupported.add(what + " with an XDP program");
    }
  }

  private NetworkDevice device(JsonObject found, String name, String bridge) {
    List<DeviceAddress> addresses = new ArrayList<>();
    if (found.has("addr_info")) {
      found
          .getAsJsonArray("addr_info")
          .forEach(address -> address(address.getAsJsonObject(), name, addresses));
    }
    return new NetworkDevice(
        name,
        bridge.isEmpty() ? "" : IpJson.text(found, "address"),
        (int) IpJson.number(found, "mtu", 0),
        IpJson.words(found, "flags").contains("UP"),
        bridge,
        addresses);
  }

  private void address(JsonObject found, String device, List<DeviceAddress> addresses) {
    Set<String> flags = new TreeSet<>(found.keySet());
    flags.removeAll(IGNORED);
    if (!DeviceAddress.KNOWN_FLAGS.containsAll(flags)) {
      unsupported.add("the address %s of %s".formatted(found, device));
      return;
    }
    addresses.add(
        new DeviceAddress(
            IpJson.text(found, "local"),
            (int) IpJson.number(found, "prefixlen", 0),
            IpJson.text(found, "address"),
            IpJson.text(found, "broadcast"),
            IpJson.text(found, "scope"),
            IpJson.text(found, "label"),
            IpJson.number(found, "valid_life_time", DeviceAddress.FOREVER),
            IpJson.number(found, "preferred_life_time", DeviceAddress.FOREVER),
            flags));
  }
}
