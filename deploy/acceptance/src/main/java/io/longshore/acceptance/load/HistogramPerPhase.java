package io.longshore.acceptance.load;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/** A histogram for each phase. Threads: as {@link LatencyHistogram}. */
final class HistogramPerPhase {
  private final Map<Phase, LatencyHistogram> histograms = new EnumMap<>(Phase.class);

  HistogramPerPhase() {
    for (Phase phase : Phase.values()) {
      histograms.put(phase, new LatencyHistogram());
    }
  }

  LatencyHistogram of(Phase phase) {
    return Objects.requireNonNull(histograms.get(phase));
  }
}
