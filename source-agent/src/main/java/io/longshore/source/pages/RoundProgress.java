package io.longshore.source.pages;

/**
 * How far rounds are.
 *
 * @param round the round under way, or the last; from 1, 0 before the first
 * @param totalPages pages that the workload has, as far as they were seen
 * @param heldPages pages that the target has as they were when last looked at
 * @param contentSent pages sent with content, each counted every time
 * @param zero pages found all zero
 * @param percent of the processor time that the workload used before it still has: 100, or less if
 *     it is slowed
 * @param end why there are no more rounds; NONE while there are
 */
public record RoundProgress(
    int round, long totalPages, long heldPages, long contentSent, long zero, int percent, End end) {
  /** Why rounds end. */
  public enum End {
    /** They go on. */
    NONE,
    /** What was written since can be sent within the budget. */
    CONVERGED,
    /** Nearly as much was written during a round as it sent. */
    NO_GAIN,
    /** As many as may be. */
    ROUNDS
  }
}
