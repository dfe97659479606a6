package io.longshore.linux.network;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Reads routes and what decides about them in a network namespace. */
final class RouteReader {
  private static final Set<String> KNOWN =
      Set.of(
          "type",
          "dst",
          "gateway",
          "dev",
          "protocol",
          "scope",
          "prefsrc",
          "metric",
          "flags",
          "table",
          "pref",
          "error");
  private static final Set<String> KNOWN_FLAGS = Set.of("onlink", "linkdown", "dead");

  /** The rules that every namespace has: by the local table, then by the main one. */
  private static final List<String> RULES_OF_IPV4 =
      List.of("0 all local", "32766 all main", "32767 all default");

  private static final List<String> RULES_OF_IPV6 = List.of("0 all local", "32766 all main");

  private final NetworkNamespace namespace;
  private final Set<String> devices;
  private final List<String> unsupported;

  /**
   * @param devices whose routes can be made again; of others nothing is said here
   * @param unsupported is added to
   */
  RouteReader(NetworkNamespace namespace, Set<String> devices, List<String> unsupported) {
    this.namespace = namespace;
    this.devices = devices;
    this.unsupported = unsupported;
  }

  List<NetworkRoute> read() throws IOException {
    rules("-4", RULES_OF_IPV4);
    rules("-6", RULES_OF_IPV6);
    for (JsonObject neighbour : IpJson.list(namespace, "neigh", "show", "nud", "permanent")) {
      unsupported.add("the permanent neighbour " + IpJson.text(neighbour, "dst"));
    }
    for (JsonObject hop : IpJson.list(namespace, "nexthop")) {
      unsupported.add("the nexthop object " + hop);
    }
    List<NetworkRoute> routes = new ArrayList<>();
    for (String family : List.of("-4", "-6")) {
      for (JsonObject found : IpJson.list(namespace, family, "route", "show", "table", "all")) {
        // What the kernel made of an address it makes again.
        if (!IpJson.text(found, "protocol").equals("kernel")) {
          route(found, family.equals("-6"), routes);
        }
      }
    }
    return routes;
  }

  private void route(JsonObject found, boolean ipv6, List<NetworkRoute> routes) {
    String device = IpJson.text(found, "dev");
    String table = IpJson.text(found, "table");
    String preference = IpJson.text(found, "pref");
    if (!device.isEmpty() && !devices.contains(device)) {
      return;
    }
    Set<String> flags = IpJson.words(found, "flags");
    if (!KNOWN.containsAll(found.keySet())
        || !KNOWN_FLAGS.containsAll(flags)
        || !(table.isEmpty() || table.equals("main"))
        || !(preference.isEmpty() || preference.equals("medium"))) {
      unsupported.add("the route " + found);
      return;
    }
    try {
      String kind = IpJson.text(found, "type");
      routes.add(
          new NetworkRoute(
              ipv6,
              kind.isEmpty() ? "unicast" : kind,
              IpJson.text(found, "dst"),
              IpJson.text(found, "gateway"),
              device,
              IpJson.text(found, "protocol"),
              IpJson.text(found, "scope"),
              IpJson.text(found, "prefsrc"),
              IpJson.number(found, "metric", -1),
              flags.contains("onlink")));
    } catch (IllegalArgumentException e) {
      unsupported.add("the route %s (%s)".formatted(found, e.getMessage()));
    }
  }

  private void rules(String family, List<String> expected) throws IOException {
    List<String> missing = new ArrayList<>(expected);
    for (JsonObject rule : IpJson.list(namespace, family, "rule")) {
      String text =
          String.join(
              " ",
              IpJson.text(rule, "priority"),
              IpJson.text(rule, "src"),
              IpJson.text(rule, "table"));
      if (rule.size() != 3 || !missing.remove(text)) {
        unsupported.add("the routing rule " + rule);
      }
    }
    for (String rule : missing) {
      unsupported.add("that the routing rule '%s' was removed".formatted(rule));
    }
  }
}
