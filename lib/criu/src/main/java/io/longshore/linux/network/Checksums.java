package io.longshore.linux.network;

/** Checksums of IPv4, TCP and UDP; RFC 1071. */
final class Checksums {
  private static final int TCP = 6;
  private static final int UDP = 17;

  private Checksums() {}

  /**
   * Writes the right checksums into a packet.
   *
   * @return false if it is no whole IPv4 packet
   */
  static boolean correct(byte[] packet) {
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
    int field =
        switch (packet[9]) {
          case TCP -> 16;
          case UDP -> 6;
          default -> -1;
        };
    int length = total - header;
    if (fragment || field < 0 || length < field + 2) {
      return true;
    }
    if (packet[9] == UDP && word(packet, header + field) == 0) {
      // The sender did without.
      return true;
    }
    put(packet, header + field, 0);
    long pseudo = sum(packet, 12, 8) + packet[9] + length;
    int checksum = fold(pseudo + sum(packet, header, length));
    put(packet, header + field, checksum == 0 && packet[9] == UDP ? 0xffff : checksum);
    return true;
  }

  /** What the IP header says the packet's length is; 0 if there is no header. */
  static int totalLength(byte[] packet) {
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
