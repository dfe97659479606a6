package io.longshore.coordinator.agent;

/**
 * How far rounds are.
 *
 * @param round the round under way, or the last; from 1, 0 if there was none
 * @param totalPages pages that the workload has, as far as they were seen
 * @param heldPages pages that the target has as they were when last looked at
 * @param pagesSent pages sent with content, each counted every time
 * @param zeroPages pages found all zero
 * @param bytesOnWire bytes of gRPC messages on the data streams, both ways
 * @param end why there are no more rounds: CONVERGED, NO_GAIN, MAX_ROUNDS; empty while there are
 * @param linkCut whether they wait for the link between the agents; not stored
 */
public record RoundReport(
    int round,
    long totalPages,
    long heldPages,
    long pagesSent,
    long zeroPages,
    long bytesOnWire,
    String end,
    boolean linkCut) {
  /** No round yet. */
  public static final RoundReport NONE = new RoundReport(0, 0, 0, 0, 0, 0, "", false);
}
