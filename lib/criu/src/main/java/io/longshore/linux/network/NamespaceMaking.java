package io.longshore.linux.network;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The commands of ip(8) that give a new network namespace what another one had. */
final class NamespaceMaking {
  /** What the kernel's numbers are called; 2 comes with a secret, and sets itself. */
  private static final Map<String, String> GENERATIONS =
      Map.of("0", "eui64", "1", "none", "3", "random");

  /** How ip(8) says which command of a batch failed. */
  private static final Pattern FAILED = Pattern.compile("Command failed -:([0-9]{1,6})");

  private final ContainerNetwork network;
  private final boolean ipv6 = Files.isDirectory(Path.of("/proc/sys/net/ipv6"));

  NamespaceMaking(ContainerNetwork network) {
    this.network = network;
  }

  /**
   * Makes the pairs of devices, to be run on the host.
   *
   * @param namespace its name
   */
  String pairs(String namespace) {
    StringBuilder commands = new StringBuilder();
    for (NetworkDevice device : network.pairs()) {
      byte[] digest = digest(namespace + "/" + device.name());
      String end = "ls" + HexFormat.of().formatHex(digest, 0, 6);
      // A bridge without an address of its own takes the lowest of its ports': never this one.
      String hardware = "fe:" + HexFormat.ofDelimiter(":").formatHex(digest, 6, 11);
      // One command: the pair is found by the namespace from the first moment.
      line(
          commands,
          "link add name %s mtu %d address %s type veth peer name %s mtu %d address %s netns %s"
              .formatted(
                  end,
                  device.mtu(),
                  hardware,
                  device.name(),
                  device.mtu(),
                  device.hardwareAddress(),
                  namespace));
      if (ipv6) {
        line(commands, "link set dev %s addrgenmode none".formatted(end));
      }
      line(commands, "link set dev %s master %s".formatted(end, device.bridge()));
      line(commands, "link set dev %s up".formatted(end));
    }
    return commands.toString();
  }

  /** Makes the devices ready for their settings, to be run in the namespace. */
  String devices() {
    StringBuilder commands = new StringBuilder();
    for (NetworkDevice device : network.devices()) {
      line(commands, "link set dev %s mtu %d".formatted(device.name(), device.mtu()));
      if (ipv6 && !device.isLoopback()) {
        // Else the kernel takes a second to find out whether somebody has its address.
        line(commands, "link set dev %s addrgenmode none".formatted(device.name()));
      }
    }
    return commands.toString();
  }

  /** Makes addresses and routes, to be run in the namespace when it has its settings. */
  String addressesAndRoutes() {
    StringBuilder commands = new StringBuilder();
    for (NetworkDevice device : network.devices()) {
      line(commands, "link set dev %s %s".formatted(device.name(), device.up() ? "up" : "down"));
      device.addresses().forEach(address -> address(commands, device, address));
    }
    // A gateway must be reachable when its route is made.
    network.routes().stream()
        .sorted(Comparator.comparing(route -> !route.gateway().isEmpty()))
        .forEach(route -> route(commands, route));
    for (NetworkDevice device : network.pairs()) {
      String generation =
          GENERATIONS.get(
              network
                  .settings()
                  .getOrDefault("ipv6/conf/%s/addr_gen_mode".formatted(device.name()), "0"));
      if (ipv6 && generation != null) {
        line(commands, "link set dev %s addrgenmode %s".formatted(device.name(), generation));
      }
    }
    return commands.toString();
  }

  /**
   * Says what is not as it should be.
   *
   * @return empty if all is
   */
  List<String> differences(NamespaceReader.Reading made) {
    List<String> differences = new ArrayList<>(made.unsupported());
    compare(
        differences,
        network.devices().stream().map(NamespaceMaking::comparable).toList(),
        made.network().devices().stream().map(NamespaceMaking::comparable).toList());
    compare(differences, network.routes(), made.network().routes());
    compare(
        differences,
        List.copyOf(network.settings().entrySet()),
        List.copyOf(made.network().settings().entrySet()));
    return differences;
  }

  private static void compare(List<String> differences, List<?> wanted, List<?> made) {
    for (Object missing : wanted) {
      if (!made.contains(missing)) {
        differences.add("missing: " + missing);
      }
    }
    for (Object found : made) {
      if (!wanted.contains(found)) {
        differences.add("not wanted: " + found);
      }
    }
  }

  /** Lifetimes go by meanwhile. */
  private static NetworkDevice comparable(NetworkDevice device) {
    return new NetworkDevice(
        device.name(),
        device.hardwareAddress(),
        device.mtu(),
        device.up(),
        device.bridge(),
        device.addresses().stream()
            .map(
                address ->
                    new DeviceAddress(
                        address.address(),
                        address.prefixLength(),
                        address.peer(),
                        address.broadcast(),
                        address.scope(),
                        address.label(),
                        address.validSeconds() == DeviceAddress.FOREVER ? 1 : 0,
                        address.preferredSeconds() == DeviceAddress.FOREVER ? 1 : 0,
                        address.flags()))
            .sorted(Comparator.comparing(DeviceAddress::toString))
            .toList());
  }

  private static void address(StringBuilder out, NetworkDevice device, DeviceAddress address) {
    StringBuilder line = new StringBuilder("address replace ");
    // Loopback has its own ones as soon as it is up.
    line.append(
        address.peer().isEmpty()
            ? address.toString()
            : "%s peer %s/%d".formatted(address.address(), address.peer(), address.prefixLength()));
    option(line, "broadcast", address.broadcast());
    if (!address.isIpv6()) {
      option(line, "scope", address.scope());
      option(line, "label", address.label());
    }
    option(line, "dev", device.name());
    if (address.validSeconds() != DeviceAddress.FOREVER) {
      option(line, "valid_lft", "" + address.validSeconds());
    }
    if (address.preferredSeconds() != DeviceAddress.FOREVER) {
      option(line, "preferred_lft", "" + address.preferredSeconds());
    }
    address.flags().forEach(flag -> line.append(' ').append(flag));
    if (address.isIpv6()) {
      line.append(" nodad");
    }
    line(out, line.toString());
  }

  private static void route(StringBuilder out, NetworkRoute route) {
    // In a batch the addresses say which family it is, and "default" is none.
    String everything = route.ipv6() ? "::/0" : "0.0.0.0/0";
    StringBuilder line = new StringBuilder("route add ").append(route.kind()).append(' ');
    line.append(route.destination().equals("default") ? everything : route.destination());
    option(line, "via", route.gateway());
    option(line, "dev", route.device());
    option(line, "protocol", route.protocol());
    if (!route.ipv6()) {
      option(line, "scope", route.scope().isEmpty() ? "global" : route.scope());
    }
    option(line, "src", route.source());
    option(line, "metric", route.metric() < 0 ? "" : "" + route.metric());
    line.append(route.onLink() ? " onlink" : "");
    line(out, line.toString());
  }

  private static void option(StringBuilder line, String name, String value) {
    if (!value.isEmpty()) {
      line.append(' ').append(name).append(' ').append(value);
    }
  }

  private static void line(StringBuilder out, String command) {
    out.append(command).append('\n');
  }

  private static byte[] digest(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }

  /** What runs a program. */
  interface Runner {
    String run(List<String> command, String input) throws IOException;
  }

  /** Runs commands of ip(8). */
  static void run(Runner runner, String commands) throws IOException {
    if (!commands.isEmpty()) {
      try {
        runner.run(List.of("ip", "-batch", "-"), commands);
      } catch (IOException e) {
        throw new IOException(
            FAILED
                .matcher(e.getMessage())
                .replaceAll(
                    match ->
                        Matcher.quoteReplacement(
                            "at: ip " + line(commands, Integer.parseInt(match.group(1))))),
            e);
      }
    }
  }

  private static String line(String commands, int number) {
    return commands.lines().skip(number - 1L).findFirst().orElse("");
  }
}
