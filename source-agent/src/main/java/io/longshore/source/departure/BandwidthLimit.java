package io.longshore.source.departure;

/**
 * How fast a departure may send the contents of pages.
 *
 * @param bytesPerSecond 0: as fast as may be
 * @param revision of the migration that says so: of two limits the newer holds
 */
public record BandwidthLimit(long bytesPerSecond, long revision) {
  static final BandwidthLimit NONE = new BandwidthLimit(0, 0);

  public BandwidthLimit {
    if (bytesPerSecond < 0) {
      throw new IllegalArgumentException("no bandwidth: " + bytesPerSecond);
    }
  }
}
