package io.longshore.acceptance.testbed;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.longshore.acceptance.testbed.ChaosEvent.Victim;
import java.io.IOException;

/**
 * Fills the file systems of hosts on which services write down what they hold, each of them in
 * memory: to make them smaller takes no memory and no time.
 */
final class Disks {
  /** A file, for there is no size without room: 0 would be no limit. */
  private static final String FILL =
      """
      head -c 4096 /dev/zero >"$1/full"
      for attempt in $(seq 100); do
        used=$(df -k --output=used "$1" | tail -n 1)
        # Fails if more is used by now.
        mount -o "remount,size=$((used))k" "$1" 2>/dev/null || continue
        [ "$(($(df -k --output=avail "$1" | tail -n 1)))" -ne 0 ] || exit 0
      done
      echo "$1 is not full: $(df -k "$1")"
      exit 1
      """;

  private static final String FREE = "rm \"$1/full\" && mount -o remount,size=50% \"$1\"";

  private final Testbed testbed;

  Disks(Testbed testbed) {
    this.testbed = testbed;
  }

  /** Takes the last byte of the file system of a host that a service writes to. */
  void fill(String host, Victim whose) {
    run(host, FILL, folder(whose));
  }

  /** Gives all back. */
  void free(String host, Victim whose) {
    run(host, FREE, folder(whose));
  }

  /** What a target-agent holds lives as long as its host. */
  private static String folder(Victim whose) {
    return whose == Victim.TARGET_AGENT ? "/run" : "/var/lib/longshore";
  }

  private void run(String host, String script, String folder) {
    try {
      Process shell =
          new ProcessBuilder(
                  "nsenter",
                  "--target",
                  testbed.init(host),
                  "--mount",
                  "sh",
                  "-c",
                  script,
                  "-",
                  folder)
              .redirectErrorStream(true)
              .start();
      String said = new String(shell.getInputStream().readAllBytes(), UTF_8);
      if (shell.waitFor() != 0) {
        throw new AssertionError("the disk of " + host + ": " + said);
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }
}
