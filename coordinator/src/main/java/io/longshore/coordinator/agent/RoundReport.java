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
 * @param tracker how the source knows what is written; empty if it does not say
 * @param linkCut whether they wait for the link between the agents; not stored
 * @param throttledPercent how much of its processor time the workload is given; 0 if it is not
 *     slowed; not stored
 */
public record RoundReport(
    int round,
    long totalPages,
    long heldPages,
    long pagesSent,
    long zeroPages,
    long bytesOnWire,
    String end,
    String tracker,
    boolean linkCut,
    int throttledPercent) {
  /** The rest fits the downtime budget. */
  public static final String CONVERGED = "CONVERGED";

  /** No round yet. */
  public static final RoundReport NONE = new RoundReport(0, 0, 0, 0, 0, 0, "", "", false, 0);

  /** Whether the rest fits the downtime budget. */
  public boolean converged() {
    return end.equals(CONVERGED);
  }

  /** Pages that the target does not have as they are. */
  public long stalePages() {
    return Math.max(0, totalPages - heldPages);
  }
}
