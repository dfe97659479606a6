package io.longshore.target.files;

import io.longshore.agent.files.Complaints;
import io.longshore.agent.files.ConfinedProgram;
import io.longshore.agent.files.ConfinedProgram.View;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.files.StagedTree.Before;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes destinations, and takes them away again with all that came to them. */
final class Staging {
  private static final Logger log = LoggerFactory.getLogger(Staging.class);

  private final ConfinedProgram confined;

  Staging(ConfinedProgram confined) {
    this.confined = confined;
  }

  /** What {@link #make} will do; to be written down before. */
  static StagedTree plan(IncomingTree tree) throws IOException {
    Path path = tree.destination();
    List<Path> missing = new ArrayList<>();
    for (Path at = path;
        at != null && !Files.exists(at, LinkOption.NOFOLLOW_LINKS);
        at = at.getParent()) {
      missing.addFirst(at);
    }
    return missing.isEmpty()
        ? new StagedTree(
            tree.number(),
            path,
            missing,
            Optional.of(StagedTree.identity(path)),
            Optional.of(before(path)))
        : new StagedTree(tree.number(), path, missing, Optional.empty(), Optional.empty());
  }

  /**
   * Makes what is missing.
   *
   * @return the same, with the identity of the destination
   * @throws LongshoreException DESTINATION_IN_USE if somebody else has made a part of it meanwhile:
   *     that is not touched
   */
  StagedTree make(StagedTree tree) throws IOException {
    List<Path> made = new ArrayList<>();
    try {
      for (Path folder : tree.made()) {
        // What came there is not to be seen before it is as it was.
        Files.createDirectory(
            folder,
            PosixFilePermissions.asFileAttribute(
                PosixFilePermissions.fromString(
                    folder.equals(tree.path()) ? "rwx------" : "rwxr-xr-x")));
        made.addFirst(folder);
      }
    } catch (FileAlreadyExistsException e) {
      for (Path folder : made) {
        Files.deleteIfExists(folder);
      }
      throw new LongshoreException(
          Reason.DESTINATION_IN_USE,
          "files cannot come to %s: somebody has made %s meanwhile"
              .formatted(tree.path(), e.getFile()),
          e);
    }
    return tree.identified(StagedTree.identity(tree.path()));
  }

  /**
   * Takes all away that came, and what was made for it. What is not ours, or was put beside it, is
   * not touched. Again does nothing.
   */
  void remove(StagedTree tree, TreeLock lock) throws IOException, InterruptedException {
    lock.awaitFree();
    if (tree.identity().isPresent() && isStill(tree, tree.identity().get())) {
      empty(tree.path(), lock);
      if (tree.before().isPresent()) {
        restore(tree.path(), tree.before().get());
      }
    }
    for (Path folder : tree.made().reversed()) {
      try {
        if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
          Files.deleteIfExists(folder);
        }
      } catch (DirectoryNotEmptyException e) {
        log.warn("{} was made for files that came; it stays, for others have used it", folder);
        break;
      }
    }
    lock.delete();
  }

  private static boolean isStill(StagedTree tree, String identity) throws IOException {
    try {
      if (StagedTree.identity(tree.path()).equals(identity)) {
        return true;
      }
      log.warn("{} is another folder than files came to; nothing of it is touched", tree.path());
      return false;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /** By a program that sees nothing else, so that nothing that came can lead it astray. */
  private void empty(Path path, TreeLock lock) throws IOException, InterruptedException {
    Process process =
        ConfinedProgram.start(
            confined
                .command(
                    View.toChange(path, lock.path()),
                    List.of("find", ".", "-mindepth", "1", "-delete"))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD));
    process.getOutputStream().close();
    Complaints complaints = new Complaints(process.getErrorStream(), line -> true);
    int status = process.waitFor();
    if (status != 0) {
      throw new IOException(
          "cannot remove what came to %s (status %d): %s"
              .formatted(path, status, String.join("; ", complaints.await())));
    }
  }

  private static Before before(Path path) throws IOException {
    Instant time = Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS).toInstant();
    return new Before(
        attribute(path, "mode") & 07777,
        attribute(path, "uid"),
        attribute(path, "gid"),
        time.getEpochSecond(),
        time.getNano());
  }

  private static int attribute(Path path, String name) throws IOException {
    return (int) Files.getAttribute(path, "unix:" + name, LinkOption.NOFOLLOW_LINKS);
  }

  private static void restore(Path path, Before before) throws IOException {
    Files.setAttribute(path, "unix:uid", before.owner(), LinkOption.NOFOLLOW_LINKS);
    Files.setAttribute(path, "unix:gid", before.group(), LinkOption.NOFOLLOW_LINKS);
    Files.setAttribute(path, "unix:mode", before.mode());
    Files.setLastModifiedTime(
        path, FileTime.from(Instant.ofEpochSecond(before.seconds(), before.nanoseconds())));
  }
}
