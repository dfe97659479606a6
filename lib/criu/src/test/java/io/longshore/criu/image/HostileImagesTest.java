package io.longshore.criu.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.CodedOutputStream;
import com.sun.management.ThreadMXBean;
import io.longshore.criu.golden.Golden;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class HostileImagesTest {

  private static final int MUTATIONS = 5_000;
  private static final long MAX_ALLOCATION = 1 << 20;

  enum Format {
    PAGEMAP("pagemap.img"),
    INVENTORY("inventory.img"),
    PSTREE("pstree.img"),
    MM("mm.img"),
    STATS("stats-dump");

    private final String file;

    Format(String file) {
      this.file = file;
    }

    Object parse(ByteBuffer image) throws ImageFormatException {
      return switch (this) {
        case PAGEMAP -> Pagemap.parse("image", image);
        case INVENTORY -> Inventory.parse("image", image);
        case MM -> ForkWipedMemory.parse("image", image);
        case PSTREE -> ProcessTree.parse("image", image);
        case STATS -> DumpStats.parse("image", image);
      };
    }
  }

  static Stream<Arguments> images() {
    return Golden.all()
        .flatMap(golden -> Stream.of(Format.values()).map(format -> Arguments.of(golden, format)));
  }

  @ParameterizedTest
  @MethodSource("images")
  void anImageThatIsCutAnywhereIsRefusedOrShorter(Golden golden, Format format) throws Exception {
    byte[] whole = golden.bytes(format.file);
    Object parsed = format.parse(ByteBuffer.wrap(whole));
    for (int length = 0; length < whole.length; length++) {
      Object cut = parseOrNull(format, Arrays.copyOf(whole, length));
      assertThat(parsed).as("cut to %d bytes", length).isNotEqualTo(cut);
    }
  }

  @ParameterizedTest
  @MethodSource("images")
  void mutationsAreRefusedOrReadButNeverCrashOrSwell(Golden golden, Format format)
      throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed of the mutations of " + format.file + ": " + seed);
    Random random = new Random(seed);
    byte[] original = golden.bytes(format.file);
    int refused = 0;
    for (int round = 0; round < MUTATIONS; round++) {
      byte[] mutated = original.clone();
      for (int count = random.nextInt(1, 5); count > 0; count--) {
        mutated[random.nextInt(mutated.length)] = (byte) random.nextInt(256);
      }
      if (parseOrNull(format, mutated) == null) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(MUTATIONS / 10);
  }

  /** Null if it was refused; anything but that exception fails the test. */
  private static @Nullable Object parseOrNull(Format format, byte[] image) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    try {
      return format.parse(ByteBuffer.wrap(image));
    } catch (ImageFormatException refused) {
      assertThat(refused).hasMessageNotContaining("null");
      return null;
    } finally {
      assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(MAX_ALLOCATION);
    }
  }

  @Test
  void aRecordLongerThanTheImageIsRefused() {
    ByteBuffer image = pagemap();
    image.putInt(8, Integer.MAX_VALUE);
    assertRefused(image, "says 2147483647 bytes, but");
    image.putInt(8, -1);
    assertRefused(image, "says 4294967295 bytes, but");
  }

  @Test
  void entriesThatOverlapOrDescendAreRefused() {
    assertRefused(
        pagemap(entry(0x10000, 2, 4), entry(0x11000, 1, 4)), "0x11000 begins before the end");
    assertRefused(
        pagemap(entry(0x10000, 1, 4), entry(0x8000, 1, 4)), "0x8000 begins before the end");
  }

  @Test
  void countsThatOverflowAreRefused() {
    assertRefused(pagemap(entry(0x10000, Long.MAX_VALUE, 4)), "do not fit behind");
    assertRefused(pagemap(entry(0x10000, 1L << 52, 4)), "do not fit behind");
    assertRefused(pagemap(entry(0x10000, -1, 4)), "18446744073709551615, out of range");
    assertRefused(pagemap(entry(0x10000, 0, 4)), "0 pages do not fit");
    assertRefused(pagemap(entry(-4096, 1, 4)), "out of range");
    assertRefused(pagemap(entry(1L << 56, 1, 4)), "not the address of a page");
    assertRefused(pagemap(entry(0x10001, 1, 4)), "0x10001 is not the address of a page");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 5, 8, 0x7fff_ffff})
  void flagsWithoutAMeaningAreRefused(int flags) {
    assertRefused(pagemap(entry(0x10000, 1, flags)), "0x");
  }

  @Test
  void anEntryWithAFieldOfANewerCriuIsRefused() {
    assertRefused(
        pagemap(
            record -> {
              record.writeUInt64(1, 0x10000);
              record.writeUInt64(2, 1);
              record.writeUInt64(6, 1);
            }),
        "unknown field 6; was it written by a newer CRIU?");
  }

  @Test
  void oldEntriesMeanWhatCriuTakesThemFor() throws Exception {
    Pagemap read =
        Pagemap.parse(
            "image",
            pagemap(
                record -> {
                  record.writeUInt64(1, 0x10000);
                  record.writeUInt64(2, 3);
                },
                record -> {
                  record.writeUInt64(1, 0x20000);
                  record.writeUInt64(2, 1);
                  record.writeBool(3, true);
                }));
    assertThat(read.entries())
        .containsExactly(
            new PagemapEntry(0x10000, 3, PagemapEntry.PRESENT),
            new PagemapEntry(0x20000, 1, PagemapEntry.PARENT));
  }

  @Test
  void aPagemapWithoutAHeadIsRefused() {
    ImageWriter writer = new ImageWriter(ImageType.PAGEMAP);
    assertRefused(writer.finish(), "no head");
  }

  @Test
  void whatCriuWritesForTheThreadsOfATaskThatEndedIsNoMatter() throws Exception {
    ImageWriter writer = new ImageWriter(ImageType.PSTREE);
    writer.record(task(5, 0, 5));
    writer.record(task(6, 5, 1_448_594_576));
    assertThat(ProcessTree.parse("pstree.img", writer.finish()).tasks()).hasSize(2);
  }

  @Test
  void aTreeWithoutARootOrWithAStrangerIsRefused() {
    assertTreeRefused("does not come before it", task(5, 4, 5));
    assertTreeRefused("does not come before it", task(5, 0, 5), task(7, 6, 7));
    assertTreeRefused("task 5 is there twice", task(5, 0, 5), task(5, 5, 6));
    assertTreeRefused("at least one task");
    assertTreeRefused("more than 4194304", task(5_000_000, 0, 5));
  }

  @Test
  void aFileThatIsTooLargeIsNotRead(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("pagemap-1.img");
    try (var channel =
        Files.newByteChannel(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      channel.position(ImageReader.MAX_BYTES);
      channel.write(ByteBuffer.allocate(1));
    }
    assertThatThrownBy(() -> Pagemap.read(file))
        .isInstanceOf(ImageFormatException.class)
        .hasMessageContaining("more than the 268435456 that an image may have");
  }

  private static void assertRefused(ByteBuffer image, String why) {
    assertThatThrownBy(() -> Pagemap.parse("image", image))
        .isInstanceOf(ImageFormatException.class)
        .hasMessageContaining(why);
  }

  private static void assertTreeRefused(String why, ImageWriter.RecordBody... tasks) {
    ImageWriter writer = new ImageWriter(ImageType.PSTREE);
    Stream.of(tasks).forEach(writer::record);
    assertThatThrownBy(() -> ProcessTree.parse("image", writer.finish()))
        .isInstanceOf(ImageFormatException.class)
        .hasMessageContaining(why);
  }

  private static ByteBuffer pagemap(ImageWriter.RecordBody... entries) {
    ImageWriter writer = new ImageWriter(ImageType.PAGEMAP);
    writer.record(record -> record.writeUInt64(1, 1));
    Stream.of(entries).forEach(writer::record);
    return writer.finish().order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ImageWriter.RecordBody entry(long address, long pages, int flags) {
    return (CodedOutputStream record) -> {
      record.writeUInt64(1, address);
      record.writeUInt64(2, 0);
      record.writeUInt64(4, flags);
      record.writeUInt64(5, pages);
    };
  }

  private static ImageWriter.RecordBody task(int pid, int ppid, int thread) {
    return record -> {
      record.writeUInt64(1, pid);
      record.writeUInt64(2, ppid);
      record.writeUInt64(3, 5);
      record.writeUInt64(4, 5);
      record.writeUInt64(5, thread);
    };
  }
}
