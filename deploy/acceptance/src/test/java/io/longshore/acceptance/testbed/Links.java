package io.longshore.acceptance.testbed;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Cuts the links of hosts, at the switch: nothing of it is to be seen on a host. */
final class Links {
  private static final String TABLE =
      """
      table bridge cut {
        set sending { type ifname; flags timeout; }
        set receiving { type ifname; flags timeout; }
        set off { type ifname; }
        set apart { type ifname . ifname; }
        chain forward {
          type filter hook forward priority 0
          iifname @sending drop
          oifname @receiving drop
          iifname @off drop
          oifname @off drop
          iifname . oifname @apart drop
        }
      }
      """;

  private final Testbed testbed;

  Links(Testbed testbed) {
    this.testbed = testbed;
    nft(TABLE);
  }

  /**
   * Drops what a host sends, or what is sent to it, or both, from now on for so long. The kernel
   * ends it by itself.
   */
  void cut(String host, boolean sends, boolean receives, Duration length) {
    List<String> elements = new ArrayList<>();
    String element = " { \"%s\" timeout %dms }\n".formatted(host, length.toMillis());
    if (sends) {
      elements.add("add element bridge cut sending" + element);
    }
    if (receives) {
      elements.add("add element bridge cut receiving" + element);
    }
    nft(String.join("", elements));
  }

  /** Drops what a host sends and what is sent to it, until {@link #mend}. */
  void cutOff(String host) {
    nft("add element bridge cut off { \"%s\" }\n".formatted(host));
  }

  /** Drops what two hosts send to each other, until {@link #mend}. */
  void cutApart(String one, String other) {
    nft(
        "add element bridge cut apart { \"%1$s\" . \"%2$s\", \"%2$s\" . \"%1$s\" }\n"
            .formatted(one, other));
  }

  /** Ends the cuts that do not end by themselves. */
  void mend() {
    nft("flush set bridge cut off\nflush set bridge cut apart\n");
  }

  private void nft(String commands) {
    try {
      Process nft =
          new ProcessBuilder(
                  "nsenter", "--net=/run/netns/" + testbed.name() + "-switch", "nft", "-f", "-")
              .redirectErrorStream(true)
              .start();
      try (var input = nft.outputWriter()) {
        input.write(commands);
      }
      String said = new String(nft.getInputStream().readAllBytes(), UTF_8);
      if (nft.waitFor() != 0) {
        throw new AssertionError("nft ended with " + nft.exitValue() + ": " + said);
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }
}
