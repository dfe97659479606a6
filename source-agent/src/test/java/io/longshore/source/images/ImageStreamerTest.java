package io.longshore.source.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.longshore.source.pages.Rounds.PageSpan;
import io.longshore.source.pages.SentContent;
import io.longshore.source.pages.TransferBrokenException;
import io.longshore.source.tracking.PageHash;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class ImageStreamerTest {
  @TempDir Path folder;
  private final Received target = new Received();

  @Test
  void sendsEachImageWhenItIsClosedAndTheRestAtTheEnd() throws Exception {
    byte[] large = new byte[(5 << 19) + 3];
    new Random(3).nextBytes(large);
    Files.write(folder.resolve("early.img"), new byte[] {9});
    try (ImageStreamer images = new ImageStreamer(folder, target)) {
      images.start(SentContent.NONE);
      Files.write(folder.resolve("a.img"), new byte[] {1, 2});
      await().until(() -> target.whole.containsKey("a.img"));
      assertThat(target.whole).doesNotContainKey("early.img");
      Files.write(folder.resolve("large.img"), large);
      Files.write(folder.resolve("empty.img"), new byte[0]);
      assertThat(images.finish())
          .isEqualTo(new ImagesSent(4, large.length + 3L, large.length + 3L));
    }
    assertThat(target.whole.get("large.img")).isEqualTo(large);
    assertThat(target.whole.get("a.img")).containsExactly(1, 2);
    assertThat(target.whole.get("early.img")).containsExactly(9);
    assertThat(target.whole.get("empty.img")).isEmpty();
    assertThat(target.complete).as("that is said when the tree is fenced").isNull();
  }

  @Test
  void sendsAnImageAnewThatGrewAfterItWasSent() throws Exception {
    try (ImageStreamer images = new ImageStreamer(folder, target)) {
      images.start(SentContent.NONE);
      Files.write(folder.resolve("a.img"), new byte[] {1});
      await().until(() -> target.whole.containsKey("a.img"));
      // Still open, so that the watch does not tell of it.
      try (var image = Files.newOutputStream(folder.resolve("a.img"), StandardOpenOption.APPEND)) {
        image.write(new byte[] {5, 6});
        assertThat(images.finish()).isEqualTo(new ImagesSent(1, 3, 3));
      }
    }
    assertThat(target.whole.get("a.img")).containsExactly(1, 5, 6);
  }

  @Test
  void ofPagesThatTheTargetHasItSendsOnlyWhichTheyAre() throws Exception {
    Random random = new Random(4);
    byte[] image = new byte[600 * 4096];
    random.nextBytes(image);
    SentContent content = new SentContent();
    int known = 0;
    for (int page = 0; page < 600; page++) {
      // Runs of both kinds, also at the borders of chunks.
      if (page < 3 || page % 7 == 0 || (page > 250 && page < 270) || page > 500) {
        byte[] bytes = Arrays.copyOfRange(image, page * 4096, (page + 1) * 4096);
        target.kept.put(1000L + page, bytes);
        content.add(PageHash.of(MemorySegment.ofArray(bytes)), 5, 1000L + page);
        known++;
      }
    }
    try (ImageStreamer images = new ImageStreamer(folder, target)) {
      images.start(content);
      Files.write(folder.resolve("pages-1.img"), image);
      Files.write(folder.resolve("other.img"), Arrays.copyOf(image, 4096));
      assertThat(images.finish()).isEqualTo(new ImagesSent(2, 601 * 4096, (601 - known) * 4096L));
    }
    assertThat(target.whole.get("pages-1.img")).isEqualTo(image);
    assertThat(target.whole.get("other.img")).hasSize(4096);
    assertThat(target.keptPages).hasValue(known);
  }

  @Test
  void pagesOfZerosAreNotSent() throws Exception {
    byte[] image = new byte[300 * 4096];
    // Two, the latter with a single byte at its very end, and one that the target has between
    // zeros.
    image[7 * 4096] = 1;
    image[300 * 4096 - 1] = 1;
    Arrays.fill(image, 100 * 4096, 101 * 4096, (byte) 2);
    byte[] known = Arrays.copyOfRange(image, 100 * 4096, 101 * 4096);
    SentContent content = new SentContent();
    content.add(PageHash.of(MemorySegment.ofArray(known)), 5, 77);
    target.kept.put(77L, known);
    try (ImageStreamer images = new ImageStreamer(folder, target)) {
      images.start(content);
      Files.write(folder.resolve("pages-1.img"), image);
      assertThat(images.finish()).isEqualTo(new ImagesSent(1, 300 * 4096, 2 * 4096));
    }
    assertThat(target.whole.get("pages-1.img")).isEqualTo(image);
    // Those between are told of together: what is zero, what is known and the end of the chunk.
    assertThat(target.messages).hasValue(2 + 3);
  }

  @Test
  void sendsNothingBeforeItIsStarted() throws Exception {
    try (ImageStreamer images = new ImageStreamer(folder, target)) {
      Files.write(folder.resolve("a.img"), new byte[] {1});
      await().during(Duration.ofMillis(200)).until(target.whole::isEmpty);
      assertThat(images.finish()).isEqualTo(new ImagesSent(1, 1, 1));
    }
  }

  @Test
  void aBrokenStreamIsToldByFinish() throws Exception {
    target.failure = new TransferBrokenException("image stream broke", null);
    try (ImageStreamer images = new ImageStreamer(folder, target)) {
      images.start(SentContent.NONE);
      Files.write(folder.resolve("a.img"), new byte[] {1});
      assertThatThrownBy(images::finish).isInstanceOf(TransferBrokenException.class);
    }
    assertThat(target.complete).isNull();
  }

  @Test
  void closeEndsASendThatWaits() throws Exception {
    target.gate = new CountDownLatch(1);
    ImageStreamer images = new ImageStreamer(folder, target);
    images.start(SentContent.NONE);
    Files.write(folder.resolve("a.img"), new byte[] {1});
    await().until(() -> target.waiting);
    Thread closer = Thread.ofPlatform().start(images::close);
    assertThat(closer.join(Duration.ofSeconds(10))).isTrue();
  }

  private static final class Received implements ImageChannel {
    final Map<String, byte[]> whole = new ConcurrentHashMap<>();
    final Map<Long, byte[]> kept = new ConcurrentHashMap<>();
    final AtomicInteger keptPages = new AtomicInteger();
    final AtomicInteger messages = new AtomicInteger();
    private final Map<String, ByteArrayOutputStream> parts = new ConcurrentHashMap<>();
    volatile CountDownLatch gate = new CountDownLatch(0);
    volatile boolean waiting;
    volatile @Nullable RuntimeException failure;
    volatile @Nullable ImagesSent complete;

    @Override
    public void sendKept(
        String name,
        long offset,
        byte[] data,
        int start,
        int length,
        List<PageSpan> pages,
        boolean last)
        throws InterruptedException {
      messages.incrementAndGet();
      assertThat(pages.stream().mapToLong(PageSpan::count).sum() * 4096).isEqualTo(length);
      for (PageSpan span : pages) {
        for (int i = 0; i < span.count(); i++) {
          boolean lastOfAll = last && span.equals(pages.getLast()) && i == span.count() - 1;
          byte[] page =
              span.vpid() == 0
                  ? new byte[4096]
                  : kept.getOrDefault(span.firstPage() + i, new byte[0]);
          add(name, offset, page, 0, page.length, lastOfAll);
          offset += page.length;
          keptPages.incrementAndGet();
        }
      }
    }

    @Override
    public void send(String name, long offset, byte[] data, int start, int length, boolean last)
        throws InterruptedException {
      messages.incrementAndGet();
      add(name, offset, data, start, length, last);
    }

    private void add(String name, long offset, byte[] data, int start, int length, boolean last)
        throws InterruptedException {
      waiting = true;
      gate.await();
      RuntimeException broken = failure;
      if (broken != null) {
        throw broken;
      }
      assertThat(length).isLessThanOrEqualTo(1 << 20);
      if (offset == 0) {
        parts.put(name, new ByteArrayOutputStream());
      }
      ByteArrayOutputStream image = parts.getOrDefault(name, new ByteArrayOutputStream());
      assertThat(offset).isEqualTo(image.size());
      image.write(data, start, length);
      if (last) {
        whole.put(name, image.toByteArray());
      }
    }

    @Override
    public void forget(List<PageSpan> pages) {}

    @Override
    public void complete(int count, long bytes, long roundPages) {
      complete = new ImagesSent(count, bytes, bytes);
    }

    @Override
    public void awaitComplete() {}

    @Override
    public void sendHeldPacket(byte[] packet) {}
  }
}
