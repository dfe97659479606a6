package io.longshore.coordinator.plan;

import io.longshore.coordinator.agent.MemorySizes;

/**
 * One case in which a migration is played through, in seconds and bytes.
 *
 * @param memory how much there is
 * @param contentShare share of its pages that are not all zero
 * @param bytesPerSecond how fast pages are read, sent and stored
 * @param roundTrip of a small call
 * @param curve how it is written
 * @param look how long it takes to find what was written
 * @param freeze without contents of images
 * @param restore without contents of images
 * @param resume all the rest of a switchover
 */
record Scenario(
    MemorySizes memory,
    double contentShare,
    double bytesPerSecond,
    double roundTrip,
    DirtyCurve curve,
    double look,
    double freeze,
    double restore,
    double resume) {
  /** Descriptions of processes, without any memory. */
  private static final double IMAGE_BYTES = 400_000;

  /** Writing images to memory, and reading them there. */
  private static final double IMAGE_BYTES_PER_SECOND = 1e9;

  /** Looking at pages of zeros. */
  private static final double READ_BYTES_PER_SECOND = 5e9;

  /** From the last look before the freeze until nothing runs. */
  private static final double SEIZING = 0.03;

  /** Preparing both sides, and releasing. */
  private static final double AROUND = 0.5;

  /** As the source judges rounds. */
  private static final double NO_GAIN = 0.8;

  /**
   * What came of it.
   *
   * @param left bytes that were stale at the freeze
   * @param sent bytes sent before it
   * @param time that it took
   * @param rounds so many
   * @param converged whether the rest fitted
   */
  private record Copied(double left, double sent, double time, int rounds, boolean converged) {}

  /**
   * What a migration takes.
   *
   * @param downtime seconds
   * @param total seconds
   * @param bytes on the wire
   * @param rounds before the freeze
   * @param converged whether the rest fitted
   */
  record Outcome(double downtime, double total, double bytes, int rounds, boolean converged) {}

  Outcome play(Strategy strategy, Policy policy) {
    Copied copied =
        strategy.hasRounds()
            ? rounds(policy)
            : new Copied(memory.pages() * contentShare, 0, 0, 0, true);
    boolean pushedBefore =
        strategy.pushesBeforeResume()
            && (copied.converged() || policy.onNoConvergence() != OnNoConvergence.POST_COPY);
    double images = IMAGE_BYTES + (strategy.hasRounds() ? memory.locked() : memory.inImages());
    double frozen =
        freeze
            + (strategy.hasRounds() ? look : 0)
            + images / bytesPerSecond
            + memory.inImages() / IMAGE_BYTES_PER_SECOND;
    double restored = restore + memory.inImages() / IMAGE_BYTES_PER_SECOND;
    double push = copied.left() / bytesPerSecond + roundTrip + passingZeros(strategy);
    // The target restores while pages come.
    double downtime =
        frozen + (pushedBefore ? Math.max(restored, push) : restored) + resume + 2 * roundTrip;
    double total = AROUND + copied.time() + downtime + (pushedBefore ? 0 : push);
    return new Outcome(
        downtime,
        total,
        copied.sent() + copied.left() + images,
        copied.rounds(),
        copied.converged());
  }

  /** Without rounds, pages of zeros are read and found while the others are pushed. */
  private double passingZeros(Strategy strategy) {
    return strategy.hasRounds() ? 0 : memory.pages() * (1 - contentShare) / READ_BYTES_PER_SECOND;
  }

  private Copied rounds(Policy policy) {
    double pages = memory.pages();
    double budget = policy.forPages().toNanos() / 1e9;
    // Only sent: it goes into images again, but not over the wire, as far as it is not written.
    double forImages = memory.filePrivate() + memory.shared();
    double toSend = pages + forImages;
    double sent = 0;
    double time = look;
    for (int round = 1; ; round++) {
      double bytes = round == 1 ? pages * contentShare + forImages : toSend;
      double took =
          bytes / bytesPerSecond + (toSend - bytes) / READ_BYTES_PER_SECOND + roundTrip + look;
      double left = pages * curve.written(took);
      sent += bytes;
      time += took;
      if (left / bytesPerSecond <= budget) {
        // One more, while CRIU is started and held.
        double again = left / bytesPerSecond + roundTrip + look;
        return new Copied(
            pages * curve.written(again + SEIZING), sent + left, time + again, round, true);
      }
      if (left > toSend * NO_GAIN || round >= policy.maxRounds()) {
        return new Copied(left, sent, time, round, false);
      }
      toSend = left;
    }
  }
}
