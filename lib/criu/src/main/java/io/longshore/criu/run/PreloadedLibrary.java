package io.longshore.criu.run;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** A small library of ours that CRIU loads before its own, so that it sees something else. */
enum PreloadedLibrary {
  /** See {@link HiddenPages}. */
  HIDDEN_PAGES("hidden_pages.so"),

  /**
   * Answers {@code prlimit64} from {@code /proc/PID/limits} where the kernel will not: root without
   * CAP_SYS_RESOURCE could not dump a process of another user (man prlimit(2)).
   */
  TASK_LIMITS("task_limits.so");

  private final String file;

  PreloadedLibrary(String file) {
    this.file = file;
  }

  /** Puts it into a folder, which must be where programs can be run. Returns its path. */
  Path putInto(Path folder) throws IOException {
    Path library = folder.toAbsolutePath().resolve(file);
    try (InputStream content =
        Objects.requireNonNull(PreloadedLibrary.class.getResourceAsStream(file), file)) {
      Files.write(library, content.readAllBytes());
    }
    return library;
  }
}
