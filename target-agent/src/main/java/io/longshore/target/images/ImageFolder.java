package io.longshore.target.images;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.criu.image.ImageFormatException;
import io.longshore.criu.image.ImageName;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * The folder into which the images of one migration are received. What arrives is foreign: names,
 * order and size are checked before anything is written. Thread-safe.
 */
public final class ImageFolder {
  /** More than the largest trees have; images cost memory even if they are empty. */
  private static final int MOST_IMAGES = 1 << 16;

  private final Path folder;
  private final long limitBytes;

  @GuardedBy("this")
  private final Map<String, Long> sizes = new HashMap<>();

  @GuardedBy("this")
  private final Map<String, Boolean> ended = new HashMap<>();

  @GuardedBy("this")
  private long totalBytes;

  @GuardedBy("this")
  private boolean sealed;

  /**
   * @param folder exists, is empty and lies on tmpfs
   * @param limitBytes the most that is accepted
   */
  public ImageFolder(Path folder, long limitBytes) {
    this.folder = folder;
    this.limitBytes = limitBytes;
  }

  /** Where the images are. */
  public Path path() {
    return folder;
  }

  /**
   * Writes a piece of an image.
   *
   * @param offset 0, which starts the image anew, or where the last piece ended
   * @param last whether the image ends with it
   * @throws LongshoreException MALFORMED_STREAM for a name or an offset that cannot be, or after
   *     {@link #complete}; OUT_OF_MEMORY beyond the limit
   */
  public synchronized void write(String name, long offset, ByteBuffer data, boolean last)
      throws IOException {
    checkName(name);
    if (sealed) {
      throw new LongshoreException(
          Reason.MALFORMED_STREAM, "image %s comes after the last".formatted(name));
    }
    if (sizes.size() >= MOST_IMAGES && !sizes.containsKey(name)) {
      throw new LongshoreException(
          Reason.OUT_OF_MEMORY, "there are more than %d images".formatted(MOST_IMAGES));
    }
    long size = offset == 0 ? 0 : sizes.getOrDefault(name, 0L);
    if (offset != size || (offset > 0 && ended.getOrDefault(name, false))) {
      throw new LongshoreException(
          Reason.MALFORMED_STREAM,
          "image %s continues at %d, expected %d".formatted(name, offset, size));
    }
    long before = offset == 0 ? sizes.getOrDefault(name, 0L) : 0;
    if (totalBytes - before + data.remaining() > limitBytes) {
      throw new LongshoreException(
          Reason.OUT_OF_MEMORY,
          "the images are larger than the %d bytes that were admitted".formatted(limitBytes));
    }
    totalBytes += data.remaining() - before;
    long end = offset + data.remaining();
    try (FileChannel file =
        offset == 0
            ? FileChannel.open(
                folder.resolve(name),
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE)
            : FileChannel.open(folder.resolve(name), StandardOpenOption.WRITE)) {
      long at = offset;
      while (data.hasRemaining()) {
        at += file.write(data, at);
      }
    }
    sizes.put(name, end);
    ended.put(name, last);
  }

  /**
   * Checks that everything that was sent is here, and takes nothing more from now on: what is
   * restored must be what was looked at.
   *
   * @throws LongshoreException MALFORMED_STREAM if not
   */
  public synchronized void complete(int count, long bytes) {
    if (sizes.size() != count || totalBytes != bytes || ended.containsValue(false)) {
      throw new LongshoreException(
          Reason.MALFORMED_STREAM,
          "the source says it sent %d images of %d bytes; %d of %d bytes arrived"
              .formatted(count, bytes, sizes.size(), totalBytes));
    }
    seal();
  }

  /** Takes nothing more; a write that is under way has ended when this returns. */
  public synchronized void seal() {
    sealed = true;
  }

  /** Takes images again, because those that came could not be understood. */
  public synchronized void reopen() {
    sealed = false;
  }

  private static void checkName(String name) {
    try {
      ImageName.parse(name);
    } catch (ImageFormatException e) {
      throw new LongshoreException(
          Reason.MALFORMED_STREAM, "an image has a name that is not allowed", e);
    }
  }
}
