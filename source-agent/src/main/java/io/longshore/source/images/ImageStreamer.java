package io.longshore.source.images;

import io.longshore.linux.CloseWriteWatch;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

/**
 * Sends the images of a folder while CRIU writes them: each as soon as CRIU closes it, but for the
 * page maps, which come last. One {@link #start}, then one {@link #finish} or {@link #close}.
 */
public final class ImageStreamer implements AutoCloseable {
  private static final int CHUNK_BYTES = 1 << 20;

  /** Page maps: what CRIU did not describe is added before {@link #finish}. */
  private static final String CHANGED_AFTERWARDS = "pagemap-";

  private final Path folder;
  private final ImageChannel channel;
  private final CloseWriteWatch watch;
  private final Map<String, Long> sent = new HashMap<>();
  private final byte[] chunk = new byte[CHUNK_BYTES];
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(Thread.ofVirtual().name("image-streamer").factory());
  private CompletableFuture<Void> watching = CompletableFuture.completedFuture(null);

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

  /** Sends images as they are closed, on a thread of its own. */
  public void start() {
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
    return new ImagesSent(images.size(), bytes);
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
    long offset = 0;
    try (InputStream in = Files.newInputStream(image)) {
      long size = Files.size(image);
      do {
        int length = in.readNBytes(chunk, 0, chunk.length);
        channel.send(name, offset, chunk, length, offset + length >= size);
        offset += length;
        if (length == 0) {
          break;
        }
      } while (offset < size);
    }
    sent.put(name, offset);
  }

  private static String name(Path image) {
    return String.valueOf(image.getFileName());
  }
}
