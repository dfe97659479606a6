package io.longshore.target.check;

import io.longshore.agent.workload.FileChecksum;
import io.longshore.agent.workload.FileFacts;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Compares the files a workload uses with those that it will find here. */
final class FileCheck {
  private static final int TYPE_MASK = 0170000;
  private static final int REGULAR = 0100000;
  private static final int DIRECTORY = 0040000;

  private final Function<String, Optional<Path>> places;

  /**
   * @param places where a file is here, by its path in the workload; empty: it is not compared
   */
  FileCheck(Function<String, Optional<Path>> places) {
    this.places = places;
  }

  List<Problem> check(List<FileFacts> files) {
    List<Problem> problems = new ArrayList<>();
    for (FileFacts file : files) {
      places.apply(file.path()).flatMap(here -> check(file, here)).ifPresent(problems::add);
    }
    return problems;
  }

  private static Optional<Problem> check(FileFacts file, Path here) {
    try {
      int type = (int) Files.getAttribute(here, "unix:mode") & TYPE_MASK;
      if (type != (file.mode() & TYPE_MASK)) {
        return different(file, "it is " + name(type) + " on the target");
      }
      if (type != REGULAR) {
        return Optional.empty();
      }
      long size = Files.size(here);
      // What is written grows between the look there and the look here, if it is the same file.
      if (size != file.bytes() && !isTheSame(file, here)) {
        return different(
            file, "%d bytes on the source, %d on the target".formatted(file.bytes(), size));
      }
      if (file.use() == FileFacts.Use.MAPPED && FileChecksum.crc32c(here) != file.crc32c()) {
        return different(file, "it is mapped, and its content differs on the target");
      }
      return Optional.empty();
    } catch (NoSuchFileException e) {
      return problem(Reason.FILE_MISSING, file, file.path() + " does not exist on the target");
    } catch (IOException e) {
      return problem(
          Reason.FILE_MISSING, file, file.path() + " cannot be read on the target: " + e);
    }
  }

  private static boolean isTheSame(FileFacts file, Path here) throws IOException {
    return file.writtenInode() != 0
        && file.writtenInode() == (long) Files.getAttribute(here, "unix:ino");
  }

  private static Optional<Problem> different(FileFacts file, String how) {
    return problem(Reason.FILE_DIFFERENT, file, file.path() + ": " + how);
  }

  private static Optional<Problem> problem(Reason reason, FileFacts file, String message) {
    return Optional.of(new Problem(reason, message, Map.of("path", file.path())));
  }

  private static String name(int type) {
    return switch (type) {
      case REGULAR -> "a regular file";
      case DIRECTORY -> "a directory";
      default -> "of type %o".formatted(type);
    };
  }
}
