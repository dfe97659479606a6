package io.longshore.criu.run;

import io.longshore.criu.CriuVersion;
import io.longshore.criu.pageserver.HeaderLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A CRIU program that was asked for its version.
 *
 * @param executable absolute path
 * @param version what it says it is
 */
public record Criu(Path executable, CriuVersion version) {

  /** Refuses relative paths: CRIU is started in other folders. */
  public Criu {
    if (!executable.isAbsolute()) {
      throw new IllegalArgumentException("the path of CRIU must be absolute, not " + executable);
    }
  }

  /**
   * Runs {@code criu --version}.
   *
   * @throws IOException if it cannot be run, takes too long or prints no version
   */
  public static Criu probe(Path executable, Duration timeout)
      throws IOException, InterruptedException {
    Path absolute = executable.toAbsolutePath();
    ShortCommand.Result result =
        ShortCommand.run(List.of(absolute.toString(), "--version"), timeout);
    CriuVersion version =
        CriuVersion.find(result.output())
            .orElseThrow(
                () ->
                    new IOException(
                        "asked %s for its version: it exited with %d and printed \"%s\". Is it CRIU?"
                            .formatted(absolute, result.exitStatus(), result.firstLine())));
    return new Criu(absolute, version);
  }

  /** How this CRIU lays out page-server headers. */
  public HeaderLayout headerLayout() {
    return HeaderLayout.of(version);
  }
}
