package io.longshore.criu.run;

import io.longshore.criu.pageserver.HeaderLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The two versions of CRIU that every test with a real CRIU runs against. */
public final class Crius {

  private static final Duration PROBE = Duration.ofSeconds(20);

  private Crius() {}

  /** For {@code @MethodSource}: one of each page-server protocol. */
  public static Stream<Criu> both() {
    return Stream.of(
        named("LONGSHORE_CRIU_4_1", HeaderLayout.BYTES_24),
        named("LONGSHORE_CRIU_4_2", HeaderLayout.BYTES_32));
  }

  private static Criu named(String name, HeaderLayout layout) {
    @Nullable String path = System.getProperty(name, System.getenv(name));
    if (path == null || !Files.isExecutable(Path.of(path))) {
      throw new AssertionError(
          name + " does not name a CRIU but " + path + ": run deploy/setup --for-tests");
    }
    Criu criu;
    try {
      criu = Criu.probe(Path.of(path), PROBE);
    } catch (Exception failure) {
      throw new AssertionError(path + " is no CRIU: run deploy/setup --for-tests", failure);
    }
    if (criu.headerLayout() != layout) {
      throw new AssertionError(name + " should have headers of " + layout + " but is " + criu);
    }
    return criu;
  }
}
