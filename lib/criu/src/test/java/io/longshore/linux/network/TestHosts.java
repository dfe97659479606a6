package io.longshore.linux.network;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * Two made-up hosts and a client, each a network namespace, on one network: every host has a bridge
 * {@code br0}, joined to the other's by a cable, and the client has an address on it. A container
 * is one more namespace on the first host's bridge.
 */
final class TestHosts implements AutoCloseable {
  static final String BRIDGE = "br0";
  static final String ADDRESS = "10.88.0.5";
  static final String IPV6 = "fd00:88::5";
  static final String HARDWARE = "02:00:0a:58:00:05";
  static final String CLIENT = "10.88.0.9";
  static final String CLIENT_IPV6 = "fd00:88::9";

  private final String id = UUID.randomUUID().toString().substring(0, 8);
  private final List<NetworkNamespace> opened = new ArrayList<>();
  final NetworkNamespace a;
  final NetworkNamespace b;
  final NetworkNamespace client;
  final NetworkNamespace container;

  TestHosts() throws IOException {
    try {
      a = add("a");
      b = add("b");
      client = add("client");
      container = add("container");
      host(a, "01");
      host(b, "02");
      ip(a, "link add cable type veth peer name cable netns " + name("b"));
      for (NetworkNamespace host : List.of(a, b)) {
        ip(host, "link set cable master br0 up");
      }
      ip(a, "link add to-client type veth peer name eth0 netns " + name("client"));
      ip(a, "link set to-client master br0 up");
      ip(
          client,
          "link set lo up",
          "link set eth0 up",
          "address add %s/24 dev eth0".formatted(CLIENT),
          "address add %s/64 dev eth0 nodad".formatted(CLIENT_IPV6));
      ip(
          a,
          "link add to-container type veth peer name eth0 mtu 1400 address %s netns %s"
              .formatted(HARDWARE, name("container")));
      ip(a, "link set to-container master br0 up");
      ip(
          container,
          "link set lo up",
          "link set eth0 up",
          "address add %s/24 broadcast 10.88.0.255 dev eth0".formatted(ADDRESS),
          "address add 10.88.0.6/24 dev eth0 label eth0:1",
          "address add %s/64 dev eth0 nodad".formatted(IPV6),
          "route add default via 10.88.0.1",
          "route add blackhole 10.99.0.0/16 metric 7",
          "route add default via fd00:88::1 dev eth0 metric 500");
    } catch (IOException e) {
      close();
      throw e;
    }
  }

  String name(String host) {
    return "ls-%s-%s".formatted(host, id);
  }

  /** A name for a migration of this test's. */
  String migration() {
    return "test-" + id;
  }

  /** Runs commands of ip(8) in a namespace. */
  static void ip(NetworkNamespace where, String... commands) throws IOException {
    run(where, String.join("\n", commands) + "\n", "ip", "-batch", "-");
  }

  static String run(NetworkNamespace where, String input, String... command) throws IOException {
    return where.run(List.of(command), input);
  }

  /** What there is on a host that a migration could have left: devices and tables. */
  static String traces(NetworkNamespace host) throws IOException {
    return run(host, "", "ip", "-br", "link")
            .lines()
            .map(line -> line.replaceAll("[ @].*", ""))
            .toList()
        + run(host, "", "nft", "list", "tables");
  }

  private NetworkNamespace add(String host) throws IOException {
    Program.run(List.of("ip", "netns", "add", name(host)), "");
    NetworkNamespace namespace = NetworkNamespace.at(new File("/run/netns/" + name(host)).toPath());
    opened.add(namespace);
    return namespace;
  }

  private static void host(NetworkNamespace host, String number) throws IOException {
    // With an address of its own: else it changes its address with its ports.
    ip(host, "link add br0 address 02:00:00:00:00:%s type bridge".formatted(number));
    ip(host, "link set lo up", "link set br0 up");
  }

  @Override
  public void close() throws IOException {
    opened.forEach(NetworkNamespace::close);
    for (String host : List.of("a", "b", "client", "container")) {
      if (new File("/run/netns/" + name(host)).exists()) {
        Program.run(List.of("ip", "netns", "delete", name(host)), "");
      }
    }
  }
}
