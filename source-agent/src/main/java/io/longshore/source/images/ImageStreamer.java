package io.longshore.source.images;

import io.longshore.linux.CloseWriteWatch;
import io.longshore.linux.PageSize;
import io.longshore.linux.ZeroPages;
import io.longshore.source.pages.Rounds.PageSpan;
import io.longshore.source.pages.SentContent;
import io.longshore.source.tracking.PageHash;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Sends the images of a folder while CRIU writes them: each as soon as CRIU closes it, but for the
 * page maps, which come last. Of pages of zeros and of those that the target has already it sends
 * only which they are. One {@link #start}, then one {@link #finish} or {@link #close}.
 */
public final class ImageStreamer implements AutoCloseable {
  private static final int CHUNK_BYTES = 1 << 20;

  /** Page maps: what CRIU did not describe is added before {@link #finish}. */
  private static final String CHANGED_AFTERWARDS = "pagemap-";

  /** Images that are pages one after another, and nothing else. */
  private static final String PAGES = "pages-";

  private final Path folder;
  private final ImageChannel channel;
  private final CloseWriteWatch watch;
  private final Map<String, Long> sent = new HashMap<>();

  /** Of each image, bytes that the target has without them. */
  private final Map<String, Long> kept = new HashMap<>();

  private final byte[] chunk = new byte[CHUNK_BYTES];
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(Thread.ofVirtual().name("image-streamer").factory());
  private CompletableFuture<Void> watching = CompletableFuture.completedFuture(null);
  private volatile SentContent content = SentContent.NONE;

  /**
   * Begins to watch the folder; nothing is sent before {@link #start}.
   *
   * @throws IOException if the folder cannot be watched
   */
  public ImageStreamer(Path folder, ImageChannel channel) throws IOException {
    this.folder = folder;
    this.channel = channel;
    this.watch = CloseWriteWatch.of(folder);
  }

  /**
   * Sends images as they are closed, on a thread of its own.
   *
   * @param content what the target has: pages that hold the same are not sent again
   */
  public void start(SentContent content) {
    this.content = content;
    watching = CompletableFuture.runAsync(this::sendClosedImages, thread);
  }

  /**
   * Sends what is left; CRIU has closed all images. The target does not know yet that it has all:
   * {@link ImageChannel#complete}.
   */
  public ImagesSent finish() throws IOException, InterruptedException {
    watch.close();
    try {
      watching.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
    List<Path> images;
    try (Stream<Path> files = Files.list(folder)) {
      images = files.filter(Files::isRegularFile).sorted().toList();
    }
    long bytes = 0;
    for (Path image : images) {
      long size = Files.size(image);
      Long before = sent.get(name(image));
      if (before == null || before != size) {
        send(image);
      }
      bytes += size;
    }
    return new ImagesSent(
        images.size(), bytes, bytes - kept.values().stream().mapToLong(Long::longValue).sum());
  }

  @Override
  public void close() {
    watch.close();
    thread.shutdownNow();
    thread.close();
  }

  private void sendClosedImages() {
    try {
      while (true) {
        List<String> names = watch.next(Duration.ofMinutes(10));
        for (String name : names) {
          if (!name.startsWith(CHANGED_AFTERWARDS)) {
            send(folder.resolve(name));
          }
        }
      }
    } catch (ClosedChannelException e) {
      // CRIU is done; finish() sends what is left.
    } catch (IOException e) {
      throw new UncheckedIOException("cannot send images from " + folder, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void send(Path image) throws IOException, InterruptedException {
    String name = name(image);
    boolean isPages = name.startsWith(PAGES);
    long offset = 0;
    kept.put(name, 0L);
    try (InputStream in = Files.newInputStream(image)) {
      long size = Files.size(image);
      do {
        int length = in.readNBytes(chunk, 0, chunk.length);
        boolean last = offset + length >= size;
        if (isPages) {
          sendPages(name, offset, length, last);
        } else {
          channel.send(name, offset, chunk, 0, length, last);
        }
        offset += length;
        if (length == 0) {
          break;
        }
      } while (offset < size);
    }
    sent.put(name, offset);
  }

  /** Sends a chunk in runs of pages that the target can have without them, and of others. */
  private void sendPages(String name, long offset, int length, boolean last)
      throws InterruptedException {
    List<PageSpan> pages = new ArrayList<>();
    int begin = 0;
    for (int at = 0; at < length; at += PageSize.BYTES) {
      PageSpan span = at + PageSize.BYTES <= length ? find(at) : null;
      if (at > begin && (span == null) != pages.isEmpty()) {
        sendRun(name, offset, begin, at, pages, false);
        begin = at;
      }
      if (span != null) {
        add(pages, span);
      }
    }
    sendRun(name, offset, begin, length, pages, last);
  }

  private @Nullable PageSpan find(int at) {
    MemorySegment bytes = MemorySegment.ofArray(chunk);
    if (ZeroPages.isZero(bytes, at)) {
      return PageSpan.zeros(1);
    }
    return content.isEmpty() ? null : content.find(PageHash.of(bytes.asSlice(at, PageSize.BYTES)));
  }

  /** Empties {@code pages}. */
  private void sendRun(
      String name, long offset, int begin, int end, List<PageSpan> pages, boolean last)
      throws InterruptedException {
    if (pages.isEmpty()) {
      channel.send(name, offset + begin, chunk, begin, end - begin, last);
      return;
    }
    channel.sendKept(name, offset + begin, chunk, begin, end - begin, List.copyOf(pages), last);
    kept.merge(name, (long) end - begin, Long::sum);
    pages.clear();
  }

  private static void add(List<PageSpan> spans, PageSpan page) {
    if (!spans.isEmpty()) {
      PageSpan before = spans.getLast();
      if (before.isFollowedBy(page)) {
        spans.removeLast();
        spans.add(new PageSpan(page.vpid(), before.firstPage(), before.count() + 1));
        return;
      }
    }
    spans.add(page);
  }

  private static String name(Path image) {
    return String.valueOf(image.getFileName());
  }
}
