package io.longshore.linux.network;

/** Checksums of IPv4, TCP, UDP and ICMPv6; RFC 1071, RFC 8200 section 8.1. */
final class Checksums {
  private static final int TCP = 6;
  private static final int UDP = 17;
  private static final int ICMPV6 = 58;
  private static final int IPV6_HEADER = 40;

  private Checksums() {}

  /**
   * Writes the right checksums into a packet.
   *
   * @return false if it is no whole packet
   */
  static boolean correct(byte[] packet) {
    if (packet.length >= IPV6_HEADER && packet[0] >> 4 == 6) {
      return correctIpv6(packet);
    }
    if (packet.length < 20 || packet[0] >> 4 != 4) {
      return false;
    }
    int header = (packet[0] & 0xf) * 4;
    int total = word(packet, 2);
    if (header < 20 || total < header || total > packet.length) {
      return false;
    }
    put(packet, 10, 0);
    put(packet, 10, fold(sum(packet, 0, header)));
    boolean fragment = (word(packet, 6) & 0x3fff) != 0;
    if (!fragment && (packet[9] == TCP || packet[9] == UDP)) {
      payload(packet, packet[9], header, total - header, sum(packet, 12, 8));
    }
    return true;
  }

  /** Where other headers come before it, the payload is left alone. */
  private static boolean correctIpv6(byte[] packet) {
    int length = word(packet, 4);
    if (length > packet.length - IPV6_HEADER) {
      return false;
    }
    int protocol = packet[6];
    if (protocol == TCP || protocol == UDP || protocol == ICMPV6) {
      payload(packet, protocol, IPV6_HEADER, length, sum(packet, 8, 32));
    }
    return true;
  }

  private static void payload(byte[] packet, int protocol, int header, int length, long addresses) {
    int field =
        switch (protocol) {
          case TCP -> 16;
          case UDP -> 6;
          case ICMPV6 -> 2;
          default -> throw new IllegalArgumentException("protocol " + protocol);
        };
    // Of UDP, a sender may have done without.
    if (length < field + 2 || (protocol == UDP && word(packet, header + field) == 0)) {
      return;
    }
    put(packet, header + field, 0);
    int checksum = fold(addresses + protocol + length + sum(packet, header, length));
    put(packet, header + field, checksum == 0 && protocol == UDP ? 0xffff : checksum);
  }

  /** What the IP header says the packet's length is; 0 if there is no header. */
  static int totalLength(byte[] packet) {
    if (packet.length >= IPV6_HEADER && packet[0] >> 4 == 6) {
      return IPV6_HEADER + word(packet, 4);
    }
    return packet.length < 20 ? 0 : word(packet, 2);
  }

  private static long sum(byte[] bytes, int from, int length) {
    long sum = 0;
    int i = 0;
    for (; i + 1 < length; i += 2) {
      sum += word(bytes, from + i);
    }
    return i < length ? sum + ((bytes[from + i] & 0xff) << 8) : sum;
  }

  private static int fold(long sum) {
    long folded = sum;
    while (folded >> 16 != 0) {
      folded = (folded & 0xffff) + (folded >> 16);
    }
    return (int) ~folded & 0xffff;
  }

  private static int word(byte[] bytes, int at) {
    return (bytes[at] & 0xff) << 8 | (bytes[at + 1] & 0xff);
  }

  private static void put(byte[] bytes, int at, int word) {
    bytes[at] = (byte) (word >> 8);
    bytes[at + 1] = (byte) word;
  }
}
