package io.longshore.criu.run;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What to restore, and how.
 *
 * @param images existing folder with the images
 * @param work existing folder for the log, statistics and barriers; for a lazy restore that of
 *     {@link LazyPages}
 * @param lazy whether lazy pages come from {@link LazyPages}; otherwise all pages are in the images
 * @param verbosity of the log, 0 to 4
 * @param place where CRIU is started, with its further options
 */
public record RestoreOptions(
    Path images, Path work, boolean lazy, int verbosity, RestorePlace place) {

  /** Refuses what CRIU would misunderstand. */
  public RestoreOptions {
    images = CriuProcess.existing(images);
    work = CriuProcess.existing(work);
    verbosity = CriuOptions.checkedVerbosity(verbosity);
  }

  /** A lazy restore. */
  public static RestoreOptions lazy(Path images, Path work) {
    return new RestoreOptions(images, work, true, CriuOptions.VERBOSITY, RestorePlace.HERE);
  }

  /** A restore of images that have all pages. */
  public static RestoreOptions eager(Path images, Path work) {
    return new RestoreOptions(images, work, false, CriuOptions.VERBOSITY, RestorePlace.HERE);
  }

  /** The same in another place. */
  public RestoreOptions in(RestorePlace other) {
    return new RestoreOptions(images, work, lazy, verbosity, other);
  }

  /** The same, with another verbosity. */
  public RestoreOptions withVerbosity(int level) {
    return new RestoreOptions(images, work, lazy, level, place);
  }

  /** The arguments, but for the barrier. They mirror {@link DumpOptions#arguments}. */
  List<String> arguments() {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("--images-dir", images.toString()));
    arguments.add("-v" + verbosity);
    arguments.add("--restore-detached");
    arguments.add("--tcp-established");
    arguments.addAll(List.of("--network-lock", "skip"));
    arguments.add("--manage-cgroups=ignore");
    arguments.add("--file-locks");
    arguments.add("--ext-unix-sk");
    if (lazy) {
      arguments.add("--lazy-pages");
    }
    arguments.addAll(place.options());
    return arguments;
  }
}
