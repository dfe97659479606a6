package io.longshore.target.files;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.nio.file.Path;

/**
 * A tree of files that is to come.
 *
 * @param number of it in its migration, from 1
 * @param destination where it is to be: a folder that is not there, or is empty
 * @param neededBytes that it takes of a disk
 */
public record IncomingTree(int number, Path destination, long neededBytes) {
  /** Refuses what cannot be, with INVALID_ARGUMENT. */
  public IncomingTree {
    if (number < 1 || neededBytes < 0) {
      throw invalid("number %d and %d bytes".formatted(number, neededBytes));
    }
    if (!destination.isAbsolute()
        || !destination.equals(destination.normalize())
        || destination.getNameCount() < 1
        || destination.toString().chars().anyMatch(each -> each < ' ')) {
      throw invalid("'%s' is not the absolute path of a folder".formatted(destination));
    }
  }

  private static LongshoreException invalid(String found) {
    return new LongshoreException(
        Reason.INVALID_ARGUMENT, "a tree of files that cannot come: " + found);
  }
}
