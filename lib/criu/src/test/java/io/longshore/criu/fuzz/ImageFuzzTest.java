package io.longshore.criu.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.longshore.criu.golden.Golden;
import io.longshore.criu.image.DumpStats;
import io.longshore.criu.image.ImageFormatException;
import io.longshore.criu.image.ImageName;
import io.longshore.criu.image.Inventory;
import io.longshore.criu.image.Pagemap;
import io.longshore.criu.image.ProcessTree;
import io.longshore.criu.image.RestoreStats;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Images that CRIU did not write. */
final class ImageFuzzTest {
  // Many times what the longest of the images here takes.
  private static final long MOST_ALLOCATED = 4 << 20;

  private interface Parser {
    void parse(ByteBuffer image) throws ImageFormatException;
  }

  private static final List<Parser> PARSERS =
      List.of(
          image -> Pagemap.parse("image", image),
          image -> Inventory.parse("image", image),
          image -> ProcessTree.parse("image", image),
          image -> DumpStats.parse("image", image),
          image -> RestoreStats.parse("image", image));

  @Test
  void imagesAreReadOrRefused() {
    List<byte[]> images = new ArrayList<>();
    Golden.all()
        .forEach(
            golden -> {
              for (String name :
                  List.of("pagemap.img", "inventory.img", "pstree.img", "stats-dump", "mm.img")) {
                images.add(golden.bytes(name));
              }
            });
    Fuzz.run(random -> parseAll(someImage(random, images)));
  }

  @Test
  void namesAreUnderstoodOrRefused() {
    List<String> names = List.of("pagemap-77.img", "pages-1.img", "core-4194304.img", "stats-dump");
    Fuzz.run(
        random -> {
          byte[] name = names.get(random.nextInt(names.size())).getBytes(StandardCharsets.UTF_8);
          try {
            ImageName.parse(new String(Fuzz.mutate(random, name), StandardCharsets.UTF_8));
          } catch (ImageFormatException refused) {
            assertThat(refused).hasMessageNotContaining("null");
          }
        });
  }

  private static byte[] someImage(Random random, List<byte[]> images) {
    byte[] image = images.get(random.nextInt(images.size()));
    return switch (random.nextInt(8)) {
      case 0 -> Fuzz.random(random, random.nextInt(200));
      case 1 -> join(Arrays.copyOf(image, 8), Fuzz.random(random, random.nextInt(200)));
      case 2 -> {
        byte[] other = images.get(random.nextInt(images.size()));
        yield join(
            Arrays.copyOf(image, random.nextInt(image.length)),
            Arrays.copyOfRange(other, random.nextInt(other.length), other.length));
      }
      default -> Fuzz.mutate(random, image);
    };
  }

  private static void parseAll(byte[] image) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    for (Parser parser : PARSERS) {
      long before = threads.getCurrentThreadAllocatedBytes();
      try {
        parser.parse(ByteBuffer.wrap(image));
      } catch (ImageFormatException refused) {
        assertThat(refused).hasMessageNotContaining("null");
      }
      assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(MOST_ALLOCATED);
    }
  }

  private static byte[] join(byte[] first, byte[] second) {
    byte[] all = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }
}
