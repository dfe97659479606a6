package io.longshore.acceptance.testbed;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The one testbed of a checkout, brought up anew only if it is not as the next test needs it: with
 * other options, or after a test that failed and may have left something.
 */
final class Testbeds implements AutoCloseable {
  private final SpanReceiver spans;
  private @Nullable Testbed current;
  private List<String> currentOptions = List.of();

  Testbeds() throws IOException {
    spans = SpanReceiver.start();
  }

  /** As it is by default, but for a CRIU that can be told to fail. */
  Testbed usual() {
    return with("--criu", Testbed.CRIU);
  }

  Testbed with(String... options) {
    List<String> wanted = List.of(options);
    Testbed testbed = current;
    if (testbed == null || !currentOptions.equals(wanted)) {
      forget();
      testbed = Testbed.up(wanted, spans.endpoint());
      current = testbed;
      currentOptions = wanted;
    }
    return testbed;
  }

  /** The one that is up, if any. */
  @Nullable Testbed current() {
    return current;
  }

  /** What the services send goes here. */
  SpanReceiver spans() {
    return spans;
  }

  /**
   * The next test gets a fresh one.
   *
   * @return where the logs of the services are kept
   */
  Path distrust(String test) {
    forget();
    Path kept =
        Checkout.path(
            "deploy/acceptance/target/testbed-logs/"
                + test.replaceAll("[^A-Za-z0-9]+", "-")
                + ".txt");
    try {
      Files.createDirectories(kept.getParent());
      Files.writeString(kept, Testbed.logs());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return kept;
  }

  @Override
  public void close() {
    forget();
    spans.close();
    Testbed.down();
  }

  private void forget() {
    if (current != null) {
      current.forget();
      current = null;
    }
  }
}
