package io.longshore.criu.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The folder of one migration, with a part for images and a part for everything else that CRIU
 * writes. Meant to lie on tmpfs; only its owner can look into it.
 *
 * @param path of the whole
 */
public record CriuFolder(Path path) {
  /** Makes it, empty. What an earlier migration of the same name left is removed. */
  public static CriuFolder create(Path path) throws IOException {
    FileAttribute<Set<PosixFilePermission>> onlyOwner =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    CriuFolder folder = new CriuFolder(path);
    folder.delete();
    Files.createDirectories(folder.images(), onlyOwner);
    Files.createDirectories(folder.work(), onlyOwner);
    return folder;
  }

  /** For images and nothing else. */
  public Path images() {
    return path.resolve("images");
  }

  /** For logs, statistics, barriers and sockets. */
  public Path work() {
    return path.resolve("work");
  }

  /** Removes it and all in it. Again does nothing. */
  public void delete() throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    List<Path> contents;
    try (Stream<Path> found = Files.walk(path)) {
      contents = found.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : contents) {
      Files.deleteIfExists(file);
    }
  }
}
