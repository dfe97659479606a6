package io.longshore.criu.run;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The two versions of CRIU that every test with a real CRIU runs against. */
public final class Crius {

  private static final Duration PROBE = Duration.ofSeconds(20);

  private Crius() {}

  /** For {@code @MethodSource}: the one in use, and the next. */
  public static Stream<Criu> both() {
    return Stream.of(named("LONGSHORE_CRIU"), named("LONGSHORE_CRIU_NEXT"));
  }

  private static Criu named(String name) {
    @Nullable String path = System.getProperty(name, System.getenv(name));
    if (path == null || !Files.isExecutable(Path.of(path))) {
      throw new AssertionError(
          name + " does not name a CRIU but " + path + ": run deploy/setup --for-tests");
    }
    try {
      return Criu.probe(Path.of(path), PROBE);
    } catch (Exception failure) {
      throw new AssertionError(path + " is no CRIU: run deploy/setup --for-tests", failure);
    }
  }
}
