package io.longshore.linux.network;

import java.util.Set;
import java.util.regex.Pattern;

/**
 * A route of the main table that the kernel does not make by itself; ip-route(8).
 *
 * @param ipv6 else IPv4
 * @param kind {@code unicast}, {@code blackhole}, {@code unreachable} or {@code prohibit}
 * @param destination {@code default}, an address, or an address with a prefix length
 * @param gateway empty if it is on the link
 * @param device empty if it leads nowhere
 * @param protocol who made it; empty if unknown
 * @param scope empty for IPv6 and where it is global
 * @param source the address that is preferred; empty if none is
 * @param metric -1 if it has none
 * @param onLink whether the gateway is taken to be on the link
 */
public record NetworkRoute(
    boolean ipv6,
    String kind,
    String destination,
    String gateway,
    String device,
    String protocol,
    String scope,
    String source,
    long metric,
    boolean onLink) {
  /** What {@link #kind} may be. */
  static final Set<String> KINDS = Set.of("unicast", "blackhole", "unreachable", "prohibit");

  private static final Pattern WORD = Pattern.compile("[a-z0-9_]{0,20}");

  /** Refuses what cannot be made: it may come from another host. */
  public NetworkRoute {
    DeviceAddress.check(KINDS.contains(kind), "kind of a route", kind);
    DeviceAddress.check(isDestination(destination, ipv6), "destination", destination);
    DeviceAddress.check(gateway.isEmpty() || isOf(gateway, ipv6), "gateway", gateway);
    DeviceAddress.check(device.isEmpty() || NetworkDevice.isName(device), "device", device);
    DeviceAddress.check(WORD.matcher(protocol).matches(), "protocol of a route", protocol);
    DeviceAddress.check(WORD.matcher(scope).matches(), "scope", scope);
    DeviceAddress.check(source.isEmpty() || isOf(source, ipv6), "source address", source);
    DeviceAddress.check(metric >= -1 && metric <= 0xffff_ffffL, "metric", "" + metric);
  }

  private static boolean isDestination(String text, boolean ipv6) {
    if (text.equals("default")) {
      return true;
    }
    int slash = text.indexOf('/');
    return slash < 0
        ? isOf(text, ipv6)
        : isOf(text.substring(0, slash), ipv6) && text.substring(slash + 1).matches("[0-9]{1,3}");
  }

  private static boolean isOf(String text, boolean ipv6) {
    return DeviceAddress.isAddress(text) && DeviceAddress.isIpv6(text) == ipv6;
  }

  /** As ip(8) writes it, without what is seldom of interest. */
  @Override
  public String toString() {
    return kind
        + " "
        + destination
        + (gateway.isEmpty() ? "" : " via " + gateway)
        + (device.isEmpty() ? "" : " dev " + device)
        + (metric < 0 ? "" : " metric " + metric);
  }
}
