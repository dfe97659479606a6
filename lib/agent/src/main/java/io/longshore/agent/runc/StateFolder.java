package io.longshore.agent.runc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A folder in which runc has what it knows of one container: not another that came to have its name
 * later.
 *
 * @param identity device and inode
 */
record StateFolder(String identity) {
  private static final String FILE = "state-folder";

  static StateFolder of(Path folder) throws IOException {
    // On a file system in memory inodes are not used again.
    return new StateFolder(
        Files.getAttribute(folder, "unix:dev", LinkOption.NOFOLLOW_LINKS)
            + " "
            + Files.getAttribute(folder, "unix:ino", LinkOption.NOFOLLOW_LINKS));
  }

  void write(Path into) throws IOException {
    Files.writeString(into.resolve(FILE), identity);
  }

  /** Empty if none was written there. */
  static Optional<StateFolder> written(Path into) throws IOException {
    try {
      return Optional.of(new StateFolder(Files.readString(into.resolve(FILE))));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  boolean isStill(Path folder) {
    try {
      return of(folder).equals(this);
    } catch (IOException e) {
      return false;
    }
  }
}
