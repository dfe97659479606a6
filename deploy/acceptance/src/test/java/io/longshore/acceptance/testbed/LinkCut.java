package io.longshore.acceptance.testbed;

import java.util.List;

/**
 * Cuts the data streams' link from a to b when so much was sent over it: packets are dropped where
 * they arrive, so that neither side is told. The coordinator's links are left alone.
 */
final class LinkCut implements AutoCloseable {
  private static final int TRANSFER_PORT = 7721;

  /** What goes to b counts on both hosts; what comes after that is dropped on one or both. */
  private static final String CUT =
      """
      nft -f - <<RULES
      table inet longshore_test_link {
        quota sent { over $1 mbytes }
        counter dropped { }
        chain counted { type filter hook $2 priority -400; tcp dport $3 quota name "sent" $4; }
        chain answers { type filter hook prerouting priority -400; tcp sport $3 quota name "sent" $5; }
      }
      RULES
      """;

  private static final String DROP = "counter name \"dropped\" drop";

  /** Which way nothing gets through. */
  enum Direction {
    TO_TARGET,
    TO_SOURCE,
    BOTH
  }

  private final Testbed testbed;
  private final List<String> hosts;

  private LinkCut(Testbed testbed, List<String> hosts) {
    this.testbed = testbed;
    this.hosts = hosts;
  }

  /** It will be cut by itself in the middle of a transfer. */
  static LinkCut after(Testbed testbed, long mebibytes, Direction direction) {
    List<String> hosts =
        switch (direction) {
          case TO_TARGET -> List.of("b");
          case TO_SOURCE -> List.of("a");
          case BOTH -> List.of("a", "b");
        };
    for (String host : hosts) {
      boolean receiver = host.equals("b");
      testbed.shell(
          host,
          CUT,
          Long.toString(mebibytes),
          receiver ? "prerouting" : "output",
          Integer.toString(TRANSFER_PORT),
          receiver ? DROP : "continue",
          receiver ? "continue" : DROP);
    }
    return new LinkCut(testbed, hosts);
  }

  /** Returns when something was dropped. */
  void await() {
    hosts.forEach(
        host ->
            testbed.shell(
                host,
                """
                for attempt in $(seq 600); do
                  nft list counter inet longshore_test_link dropped | grep -q 'packets 0 ' || exit 0
                  sleep 0.05
                done
                echo "nothing was dropped: $(nft list table inet longshore_test_link)" >&2
                exit 1
                """));
  }

  /** The link is back. */
  @Override
  public void close() {
    hosts.forEach(
        host ->
            testbed.shell(host, "nft delete table inet longshore_test_link 2>/dev/null || true"));
  }
}
