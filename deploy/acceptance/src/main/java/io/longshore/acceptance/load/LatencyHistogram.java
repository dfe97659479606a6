package io.longshore.acceptance.load;

/**
 * Counts durations in buckets that are at most 1/32 wide. Recording allocates nothing. One thread
 * writes; others may read once it has ended.
 */
final class LatencyHistogram {
  private static final int SUB_BUCKET_BITS = 5;
  private static final int SUB_BUCKETS = 1 << SUB_BUCKET_BITS;

  private final long[] counts = new long[(64 - SUB_BUCKET_BITS + 1) * SUB_BUCKETS];
  private long count;
  private long most;

  void record(long nanos) {
    counts[bucketOf(nanos)]++;
    count++;
    most = Math.max(most, nanos);
  }

  void add(LatencyHistogram other) {
    for (int i = 0; i < counts.length; i++) {
      counts[i] += other.counts[i];
    }
    count += other.count;
    most = Math.max(most, other.most);
  }

  long count() {
    return count;
  }

  long most() {
    return most;
  }

  /**
   * The duration in nanoseconds that a share of the recorded ones did not exceed, as the upper end
   * of its bucket; 0 if nothing was recorded.
   */
  long quantile(double share) {
    long wanted = (long) Math.ceil(share * count);
    long seen = 0;
    for (int i = 0; i < counts.length; i++) {
      seen += counts[i];
      if (seen >= wanted && seen > 0) {
        return Math.min(most, upperEndOf(i));
      }
    }
    return 0;
  }

  /** Values below 32 have a bucket each; above, each power of two is divided into 32. */
  static int bucketOf(long nanos) {
    long value = Math.max(0, nanos);
    int exponent = Math.max(0, 64 - SUB_BUCKET_BITS - 1 - Long.numberOfLeadingZeros(value | 1));
    return (exponent << SUB_BUCKET_BITS) + (int) (value >>> exponent);
  }

  static long upperEndOf(int bucket) {
    int exponent = Math.max(0, (bucket >> SUB_BUCKET_BITS) - 1);
    long value = bucket - ((long) exponent << SUB_BUCKET_BITS);
    return ((value + 1) << exponent) - 1;
  }
}
