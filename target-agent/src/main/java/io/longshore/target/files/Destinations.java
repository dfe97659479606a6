package io.longshore.target.files;

import io.longshore.agent.files.Rsync;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Whether trees could come to where they are to. Changes nothing. */
public final class Destinations {
  /** What is left free of a file system, beside all that comes: its share, and at most so much. */
  private static final long LEFT_SHARE = 20;

  private static final long LEFT_BYTES = 64L << 20;

  private Destinations() {}

  /** Everything that stands in the way, before anything is put anywhere. */
  public static List<Problem> check(List<IncomingTree> trees) throws InterruptedException {
    List<Problem> problems = new ArrayList<>();
    if (trees.isEmpty()) {
      return problems;
    }
    Rsync.obstacle().ifPresent(why -> problems.add(new Problem(Reason.RSYNC_MISSING, why)));
    Map<FileStore, Long> needed = new HashMap<>();
    List<Path> taken = new ArrayList<>();
    for (IncomingTree tree : trees) {
      Path path = tree.destination();
      try {
        inUse(path, taken, problems);
        taken.add(path);
        needed.merge(Files.getFileStore(nearest(path)), tree.neededBytes(), Math::addExact);
      } catch (IOException e) {
        problems.add(inUse(path, "it cannot be looked at: " + e));
      }
    }
    needed.forEach((store, bytes) -> space(store, bytes, problems));
    return problems;
  }

  /** What stays free whatever comes; less than that counts as full. */
  static long left(FileStore store) throws IOException {
    return Math.min(LEFT_BYTES, store.getTotalSpace() / LEFT_SHARE);
  }

  /** The folder that is there and nearest to a path: the path itself, or one above. */
  static Path nearest(Path path) throws IOException {
    Path at = path;
    while (!Files.exists(at, LinkOption.NOFOLLOW_LINKS) && at.getParent() != null) {
      at = at.getParent();
    }
    return at;
  }

  static boolean isEmpty(Path folder) throws IOException {
    try (DirectoryStream<Path> contents = Files.newDirectoryStream(folder)) {
      return !contents.iterator().hasNext();
    }
  }

  private static void inUse(Path path, List<Path> taken, List<Problem> problems)
      throws IOException {
    for (Path other : taken) {
      if (path.startsWith(other) || other.startsWith(path)) {
        problems.add(inUse(path, other + " is the destination of another tree"));
        return;
      }
    }
    Path nearest = nearest(path);
    if (!Files.isDirectory(
        nearest,
        nearest.equals(path) ? new LinkOption[] {LinkOption.NOFOLLOW_LINKS} : new LinkOption[0])) {
      problems.add(inUse(path, nearest + " is there on the target and is not a folder"));
    } else if (nearest.equals(path) && !isEmpty(path)) {
      problems.add(inUse(path, "it is there on the target and is not empty"));
    }
  }

  private static Problem inUse(Path path, String why) {
    return new Problem(
        Reason.DESTINATION_IN_USE,
        "files cannot come to %s: %s".formatted(path, why),
        Map.of("path", path.toString()));
  }

  private static void space(FileStore store, long needed, List<Problem> problems) {
    try {
      long free = Math.max(0, store.getUsableSpace() - left(store));
      if (free < needed) {
        problems.add(
            new Problem(
                Reason.NOT_ENOUGH_DISK,
                "the files need %d MiB; the target's %s has %d MiB for them"
                    .formatted((needed >> 20) + 1, store.name(), free >> 20)));
      }
    } catch (IOException e) {
      problems.add(
          new Problem(
              Reason.NOT_ENOUGH_DISK,
              "nobody can tell how much of the target's %s is free: %s".formatted(store, e)));
    }
  }
}
