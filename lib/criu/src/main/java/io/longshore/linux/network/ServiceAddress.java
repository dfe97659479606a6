package io.longshore.linux.network;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.regex.Pattern;

/**
 * An IPv4 address that moves with a workload.
 *
 * @param address the address
 * @param prefixLength bits of its subnet, 1 to 32
 */
public record ServiceAddress(Inet4Address address, int prefixLength) {
  private static final String NUMBER = "(0|[1-9][0-9]{0,2})";
  private static final Pattern FORM = Pattern.compile(NUMBER + "(\\." + NUMBER + "){3}/[0-9]{1,2}");

  /** Refuses what no workload can have. */
  public ServiceAddress {
    if (prefixLength < 1 || prefixLength > 32) {
      throw new IllegalArgumentException("the prefix length must be 1 to 32, not " + prefixLength);
    }
    int host = prefixLength == 32 ? 0 : bits(address) & (-1 >>> prefixLength);
    if (prefixLength < 31 && (host == 0 || host == -1 >>> prefixLength)) {
      throw new IllegalArgumentException(
          "%s cannot move: it names the subnet /%d or all hosts in it"
              .formatted(address.getHostAddress(), prefixLength));
    }
    if (address.isAnyLocalAddress()
        || address.isMulticastAddress()
        || address.isLoopbackAddress()) {
      throw new IllegalArgumentException(
          "%s cannot move: it is a wildcard, multicast or loopback address"
              .formatted(address.getHostAddress()));
    }
  }

  /**
   * Reads {@code 10.0.0.5/24}.
   *
   * @throws IllegalArgumentException saying what is expected, if it is something else
   */
  public static ServiceAddress parse(String cidr) {
    int slash = cidr.indexOf('/');
    if (cidr.indexOf(':') >= 0) {
      throw new IllegalArgumentException(
          "'" + cidr + "' is an IPv6 address; only IPv4 addresses can move");
    }
    // Four numbers without leading zeros: others read the short and the octal forms in their own
    // ways.
    if (!FORM.matcher(cidr).matches()) {
      throw new IllegalArgumentException(
          "expected an IPv4 address with its prefix length (10.0.0.5/24), found '" + cidr + "'");
    }
    try {
      return new ServiceAddress(
          Inet4Address.ofLiteral(cidr.substring(0, slash)),
          Integer.parseInt(cidr.substring(slash + 1)));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("'%s': %s".formatted(cidr, e.getMessage()), e);
    }
  }

  /** Whether another address is in its subnet. */
  boolean hasInSubnet(InetAddress other) {
    if (!(other instanceof Inet4Address)) {
      return false;
    }
    int mask = -1 << (32 - prefixLength);
    return (bits(address) & mask) == (bits(other) & mask);
  }

  /** The address as a number, the first byte highest. */
  int number() {
    return bits(address);
  }

  /** {@code 10.0.0.5/24}. */
  @Override
  public String toString() {
    return address.getHostAddress() + "/" + prefixLength;
  }

  private static int bits(InetAddress address) {
    byte[] bytes = address.getAddress();
    return (bytes[0] & 0xff) << 24
        | (bytes[1] & 0xff) << 16
        | (bytes[2] & 0xff) << 8
        | (bytes[3] & 0xff);
  }
}
