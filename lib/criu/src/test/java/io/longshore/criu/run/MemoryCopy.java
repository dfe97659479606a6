package io.longshore.criu.run;

import io.longshore.criu.image.ImageName;
import io.longshore.criu.image.Pagemap;
import io.longshore.criu.image.PagemapEntry;
import io.longshore.criu.image.ProcessTree;
import io.longshore.criu.pageserver.PageServerConnection;
import io.longshore.criu.pageserver.PageServerRequest;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;

/** A saved copy of all lazy pages of a frozen tree, which can be served to a restore. */
final class MemoryCopy {

  private final Map<Long, NavigableMap<Long, ByteBuffer>> tasks = new HashMap<>();
  private long requests;

  /** Copies what the pagemaps call lazy out of the frozen tasks. */
  static MemoryCopy of(Path images) throws Exception {
    MemoryCopy copy = new MemoryCopy();
    ProcessTree tree = ProcessTree.read(images.resolve(ImageName.PSTREE.fileName()));
    for (ProcessTree.Task task : tree.tasks()) {
      Path file = images.resolve(ImageName.pagemap(task.pid()).fileName());
      if (!Files.exists(file)) {
        continue;
      }
      NavigableMap<Long, ByteBuffer> runs = new TreeMap<>();
      try (RandomAccessFile memory = new RandomAccessFile("/proc/" + task.pid() + "/mem", "r")) {
        for (PagemapEntry entry : Pagemap.read(file).entries()) {
          if (entry.isLazy()) {
            byte[] bytes = new byte[(int) entry.bytes()];
            memory.seek(entry.address());
            memory.readFully(bytes);
            runs.put(entry.address(), ByteBuffer.allocateDirect(bytes.length).put(bytes).flip());
          }
        }
      }
      copy.tasks.put((long) task.pid(), runs);
    }
    return copy;
  }

  /** The tasks that have lazy pages. */
  Set<Long> pids() {
    return tasks.keySet();
  }

  /** Adjacent pages of a task by address. */
  NavigableMap<Long, ByteBuffer> runs(long pid) {
    return Objects.requireNonNull(tasks.get(pid));
  }

  /** A view of at most {@code pages} pages from an address on, as long as they are adjacent. */
  ByteBuffer pages(long pid, long address, long pages) {
    var run = runs(pid).floorEntry(address);
    int offset = (int) (address - run.getKey());
    int wanted = (int) Math.min(pages * PagemapEntry.PAGE_BYTES, run.getValue().limit() - offset);
    return run.getValue().slice(offset, wanted);
  }

  long requests() {
    return requests;
  }

  /**
   * Answers until the daemon closes; every third answer is cut to one page, the others come in
   * several buffers.
   */
  void serve(PageServerConnection connection) throws Exception {
    while (true) {
      PageServerRequest head = connection.head(Duration.ofSeconds(60)).orElseThrow();
      switch (head) {
        case PageServerRequest.Get get -> {
          long pages = requests++ % 3 == 2 ? 1 : get.pages();
          ByteBuffer found = pages(get.pid(), get.address(), pages);
          int half = found.remaining() / 2;
          connection.reply(get, found.slice(0, half), found.slice(half, found.remaining() - half));
        }
        case PageServerRequest.Close _ -> {
          connection.acknowledgeClose();
          connection.close();
          return;
        }
      }
    }
  }
}
