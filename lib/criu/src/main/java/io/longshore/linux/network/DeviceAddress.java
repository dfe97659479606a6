package io.longshore.linux.network;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * An address of a network device, in the words of ip-address(8).
 *
 * @param address without a zone
 * @param prefixLength bits of its subnet
 * @param peer of a point-to-point connection; empty if there is none
 * @param broadcast empty if there is none
 * @param scope {@code global}, {@code link}, {@code host}, or a number
 * @param label of IPv4; empty for IPv6
 * @param validSeconds how long it is there; {@link #FOREVER} if it was not given for a time
 * @param preferredSeconds how long new connections may use it; {@link #FOREVER} as above
 * @param flags of {@link #KNOWN_FLAGS}
 */
public record DeviceAddress(
    String address,
    int prefixLength,
    String peer,
    String broadcast,
    String scope,
    String label,
    long validSeconds,
    long preferredSeconds,
    Set<String> flags) {
  /** What the kernel says for a time without end. */
  public static final long FOREVER = 0xffff_ffffL;

  /** Flags that can be given to an address. */
  public static final Set<String> KNOWN_FLAGS = Set.of("home", "mngtmpaddr", "noprefixroute");

  private static final Pattern NUMBERS = Pattern.compile("[0-9A-Fa-f:.]{2,45}");
  private static final Pattern SCOPE = Pattern.compile("[a-z0-9]{1,10}");

  /** Refuses what no device can have: it may come from another host. */
  public DeviceAddress {
    check(isAddress(address), "address", address);
    check(prefixLength >= 0 && prefixLength <= bits(address), "prefix length", "" + prefixLength);
    check(peer.isEmpty() || isAddress(peer), "peer", peer);
    check(broadcast.isEmpty() || isAddress(broadcast), "broadcast address", broadcast);
    check(SCOPE.matcher(scope).matches(), "scope", scope);
    check(label.isEmpty() || NetworkDevice.isName(label), "label", label);
    check(validSeconds >= 0 && validSeconds <= FOREVER, "lifetime", "" + validSeconds);
    check(preferredSeconds >= 0 && preferredSeconds <= FOREVER, "lifetime", "" + preferredSeconds);
    check(KNOWN_FLAGS.containsAll(flags), "flags", flags.toString());
    flags = java.util.Collections.unmodifiableSet(new TreeSet<>(flags));
  }

  /** Whether it is one of IPv6. */
  public boolean isIpv6() {
    return isIpv6(address);
  }

  /** The address as such. */
  InetAddress literal() {
    return InetAddress.ofLiteral(address);
  }

  /** {@code 10.0.0.5/24}. */
  @Override
  public String toString() {
    return address + "/" + prefixLength;
  }

  /** Whether the text is an IPv4 or IPv6 address without a zone. */
  static boolean isAddress(String text) {
    if (!NUMBERS.matcher(text).matches()) {
      return false;
    }
    try {
      return InetAddress.ofLiteral(text) != null;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  static boolean isIpv6(String address) {
    return InetAddress.ofLiteral(address) instanceof Inet6Address;
  }

  private static int bits(String address) {
    return isIpv6(address) ? 128 : 32;
  }

  static void check(boolean right, String what, String found) {
    if (!right) {
      throw new IllegalArgumentException("not the %s of a network: '%s'".formatted(what, found));
    }
  }
}
