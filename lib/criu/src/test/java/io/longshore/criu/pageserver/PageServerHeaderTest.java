package io.longshore.criu.pageserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.criu.CriuVersion;
import io.longshore.criu.image.PagemapEntry;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class PageServerHeaderTest {

  private static final PageServerHeader LAZY_PRESENT =
      new PageServerHeader(
          Command.ADD_F,
          PagemapEntry.LAZY | PagemapEntry.PRESENT,
          0x102,
          0x7fff_1234_5000L,
          new PageImage(PageImage.Kind.TASK, 77).destination());

  @Test
  void bothLayoutsAreAsCriuPrintsThem() {
    assertThat(hex(HeaderLayout.BYTES_24))
        .isEqualTo("06000600" + "02010000" + "00503412ff7f0000" + "014d000000000000");
    assertThat(hex(HeaderLayout.BYTES_32))
        .isEqualTo(
            "06000600" + "00000000" + "0201000000000000" + "00503412ff7f0000" + "014d000000000000");
  }

  @ParameterizedTest
  @EnumSource(HeaderLayout.class)
  void aHeaderSurvivesTheWire(HeaderLayout layout) throws Exception {
    for (Command command : Command.values()) {
      PageServerHeader header = new PageServerHeader(command, 0, 5, 0x1000, 9);
      assertThat(PageServerHeader.decode(layout, encode(layout, header))).isEqualTo(header);
    }
    assertThat(PageServerHeader.decode(layout, encode(layout, LAZY_PRESENT)))
        .isEqualTo(LAZY_PRESENT);
  }

  @Test
  void paddingMeansNothing() throws Exception {
    ByteBuffer bytes = encode(HeaderLayout.BYTES_32, LAZY_PRESENT);
    bytes.putInt(4, 0x55550000);
    assertThat(PageServerHeader.decode(HeaderLayout.BYTES_32, bytes)).isEqualTo(LAZY_PRESENT);
  }

  @ParameterizedTest
  @CsvSource({
    "4.1.1, BYTES_24",
    "4.1.99, BYTES_24",
    "3.17.1, BYTES_24",
    "4.2, BYTES_32",
    "4.2.1, BYTES_32",
    "5.0, BYTES_32"
  })
  void theVersionTellsTheLayout(String version, HeaderLayout layout) {
    assertThat(HeaderLayout.of(CriuVersion.find("Version: " + version).orElseThrow()))
        .isEqualTo(layout);
  }

  @Test
  void theOtherLayoutIsNoticed() {
    // What a CRIU with 32-byte headers says to a reader of 24 bytes: the page count is taken for an
    // address.
    ByteBuffer bytes =
        encode(HeaderLayout.BYTES_32, new PageServerHeader(Command.GET, 0, 3, 0x1000, 9));
    assertThatThrownBy(() -> PageServerHeader.decode(HeaderLayout.BYTES_24, bytes))
        .isInstanceOf(PageServerProtocolException.class)
        .hasMessageContaining("0x3 is not the address of a page");
  }

  @Test
  void whatCannotBeIsRefused() {
    assertRefused(
        "99000000 00000000 0000000000000000 0000000000000000", "unknown command 0x00000099");
    assertRefused("07000400 01000000 0000000000000000 0000000000000000", "GET with flags 0x4");
    assertRefused("06000800 01000000 0000000000000000 0000000000000000", "unknown page flags");
    assertRefused("07000000 01000000 00f0ffffffffffff 0000000000000000", "not the address");
    assertRefused("07000000 ffffffff 00f0ffffffff ff00 0000000000000000", "do not fit behind");
  }

  @ParameterizedTest
  @EnumSource(HeaderLayout.class)
  void arbitraryBytesAreRefusedOrReadButNeverCrash(HeaderLayout layout) {
    long seed = System.nanoTime();
    System.out.println("seed of the arbitrary headers: " + seed);
    Random random = new Random(seed);
    int refused = 0;
    for (int round = 0; round < 50_000; round++) {
      byte[] bytes = new byte[layout.bytes()];
      for (int count = random.nextInt(12); count > 0; count--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      bytes[0] = (byte) random.nextInt(10);
      try {
        assertThat(PageServerHeader.decode(layout, ByteBuffer.wrap(bytes)).payloadBytes())
            .isNotNegative();
      } catch (PageServerProtocolException _) {
        refused++;
      }
    }
    assertThat(refused).isBetween(1_000, 49_999);
  }

  @Test
  void anImageIsNamedByItsDestination() throws Exception {
    PageImage task = PageImage.of(77 << 8 | 1);
    assertThat(task).isEqualTo(new PageImage(PageImage.Kind.TASK, 77));
    assertThat(task.pagemapName()).hasToString("pagemap-77.img");
    PageImage segment = PageImage.of(9 << 8 | 2);
    assertThat(segment.pagemapName()).hasToString("pagemap-shmem-9.img");
    assertThat(segment.destination()).isEqualTo(9 << 8 | 2);
    for (long unknown : new long[] {0, 77 << 8, 77 << 8 | 3, -1, Long.MIN_VALUE | 1}) {
      assertThatThrownBy(() -> PageImage.of(unknown))
          .isInstanceOf(PageServerProtocolException.class);
    }
  }

  private static void assertRefused(String hex, String why) {
    ByteBuffer bytes = ByteBuffer.wrap(HexFormat.of().parseHex(hex.replace(" ", "")));
    assertThatThrownBy(() -> PageServerHeader.decode(HeaderLayout.BYTES_24, bytes))
        .isInstanceOf(PageServerProtocolException.class)
        .hasMessageContaining(why);
  }

  private static String hex(HeaderLayout layout) {
    return HexFormat.of().formatHex(encode(layout, LAZY_PRESENT).array());
  }

  private static ByteBuffer encode(HeaderLayout layout, PageServerHeader header) {
    ByteBuffer bytes = ByteBuffer.allocate(layout.bytes());
    header.encode(layout, bytes);
    assertThat(bytes.hasRemaining()).isFalse();
    return bytes.flip();
  }
}
