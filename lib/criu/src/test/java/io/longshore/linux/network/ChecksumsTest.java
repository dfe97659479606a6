package io.longshore.linux.network;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/**
 * Packets with checksums computed elsewhere: the IPv4 header is the well-known example of RFC
 * 1071's algorithm.
 */
class ChecksumsTest {
  private static final byte[] UDP =
      HexFormat.of()
          .parseHex(
              "45000073000040004011b861c0a80001c0a800c7".replace("0073", "001d")
                  + "0035e97c00090000"
                  + "41");

  @Test
  void headerOfTheKnownExample() {
    byte[] packet = new byte[0x73];
    byte[] header = HexFormat.of().parseHex("450000730000400006110000c0a80001c0a800c7");
    header[8] = 0x40;
    header[9] = 0x11;
    System.arraycopy(header, 0, packet, 0, header.length);
    assertThat(Checksums.correct(packet)).isTrue();
    assertThat(HexFormat.of().formatHex(packet, 10, 12)).isEqualTo("b861");
  }

  @Test
  void aDatagramWithoutChecksumStaysWithout() {
    byte[] packet = UDP.clone();
    assertThat(Checksums.correct(packet)).isTrue();
    assertThat(packet[26]).isZero();
    assertThat(packet[27]).isZero();
  }

  @Test
  void payloadOfAFragmentIsLeftAlone() {
    byte[] packet = UDP.clone();
    packet[6] = 0x20; // more fragments
    packet[26] = 0x12;
    assertThat(Checksums.correct(packet)).isTrue();
    assertThat(packet[26]).isEqualTo((byte) 0x12);
  }

  @Test
  void anOddByteAtTheEndCounts() {
    byte[] packet = UDP.clone();
    packet[26] = 1;
    assertThat(Checksums.correct(packet)).isTrue();
    // 0xc0a8+0x0001+0xc0a8+0x00c7+17+9 + 0x0035+0xe97c+0x0009 + 0x4100 = 0x2ad4b; 0xad4d;
    // complement
    assertThat(HexFormat.of().formatHex(packet, 26, 28)).isEqualTo("%04x".formatted(expected()));
  }

  private static int expected() {
    int sum = 0xc0a8 + 0x0001 + 0xc0a8 + 0x00c7 + 17 + 9 + 0x0035 + 0xe97c + 0x0009 + 0x4100;
    while (sum >> 16 != 0) {
      sum = (sum & 0xffff) + (sum >> 16);
    }
    return ~sum & 0xffff;
  }

  @Test
  void whatIsNoWholePacketIsRefused() {
    assertThat(Checksums.correct(new byte[0])).isFalse();
    assertThat(Checksums.correct(new byte[19])).isFalse();
    byte[] longer = UDP.clone();
    longer[3] = 0x7f;
    assertThat(Checksums.correct(longer)).isFalse();
    byte[] six = UDP.clone();
    six[0] = 0x65;
    assertThat(Checksums.correct(six)).isFalse();
    byte[] options = UDP.clone();
    options[0] = 0x4f;
    assertThat(Checksums.correct(options)).isFalse();
    byte[] negative = UDP.clone();
    negative[0] = (byte) 0xc5;
    assertThat(Checksums.correct(negative)).isFalse();
  }
}
