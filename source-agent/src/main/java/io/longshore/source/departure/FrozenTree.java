package io.longshore.source.departure;

import io.longshore.criu.image.ImageName;
import io.longshore.criu.image.Pagemap;
import io.longshore.criu.image.PagemapEntry;
import io.longshore.linux.CgroupFence;
import io.longshore.linux.ProcessTree;
import io.longshore.linux.Task;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.source.pages.PageRange;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which pages of a frozen tree the agents must move: those that CRIU's images describe and do not
 * contain. The tree is looked at once, because it does not change.
 */
final class FrozenTree {
  private final Path images;
  private final List<Task> tasks;
  private final Set<Integer> fenced;

  private FrozenTree(Path images, List<Task> tasks, Set<Integer> fenced) {
    this.images = images;
    this.tasks = tasks;
    this.fenced = fenced;
  }

  /**
   * Looks at a tree.
   *
   * @param images of its dump
   * @param tree as it is frozen
   * @param fence holds it
   */
  static FrozenTree of(Path images, ProcessTree tree, CgroupFence fence) throws IOException {
    return new FrozenTree(images, tree.tasks(), new HashSet<>(fence.processes()));
  }

  /**
   * Puts pages that were hidden from CRIU into the page maps of a dump, as lazy ones.
   *
   * @param hidden by process id
   */
  void addHidden(Map<Integer, List<PagemapEntry>> hidden) throws IOException {
    Map<Integer, List<PagemapEntry>> left = new HashMap<>(hidden);
    for (Task task : tasks) {
      List<PagemapEntry> entries = left.remove(task.pid());
      if (entries != null) {
        Path image = pagemap(task.ownPid());
        Pagemap.read(image).with(entries).write(image);
      }
    }
    if (!left.isEmpty()) {
      throw new LongshoreException(
          Reason.CRIU_DUMP_FAILED,
          "CRIU scanned the processes %s, which are not of the workload".formatted(left.keySet()));
    }
  }

  /**
   * Reads the page maps of the dump.
   *
   * @throws LongshoreException CRIU_DUMP_FAILED if CRIU describes a process that is not fenced: it
   *     could run again
   */
  List<PageRange> pages() throws IOException {
    Map<Integer, Task> here = new HashMap<>();
    for (Task task : tasks) {
      here.put(task.ownPid(), task);
    }
    List<PageRange> pages = new ArrayList<>();
    for (var described :
        io.longshore.criu.image.ProcessTree.read(images.resolve(ImageName.PSTREE.fileName()))
            .tasks()) {
      Path image = pagemap(described.pid());
      if (!Files.exists(image)) {
        // A zombie has no memory.
        continue;
      }
      Task task = here.get(described.pid());
      if (task == null || !fenced.contains(task.pid())) {
        throw new LongshoreException(
            Reason.CRIU_DUMP_FAILED,
            "CRIU dumped process %d, which is not in the frozen cgroup of the workload"
                .formatted(described.pid()));
      }
      for (PagemapEntry entry : Pagemap.read(image).entries()) {
        if (entry.isLazy() && !entry.isPresent()) {
          pages.add(
              new PageRange(
                  described.pid(),
                  task.pid(),
                  entry.address() / PagemapEntry.PAGE_BYTES,
                  Math.toIntExact(entry.pages())));
        }
      }
    }
    return pages;
  }

  private Path pagemap(int ownPid) {
    return images.resolve(ImageName.pagemap(ownPid).fileName());
  }
}
