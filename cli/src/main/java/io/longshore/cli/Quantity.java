package io.longshore.cli;

import com.google.protobuf.Duration;
import io.longshore.v1.DurationEstimate;
import java.util.Locale;

/** Numbers for people. */
final class Quantity {
  private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};

  private Quantity() {}

  /** 512 B, 1.0 KiB, 3.2 GiB. */
  static String bytes(long bytes) {
    double number = bytes;
    int unit = 0;
    while (number >= 1024 && unit < UNITS.length - 1) {
      number /= 1024;
      unit++;
    }
    return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%.1f %s", number, UNITS[unit]);
  }

  /** 97.4 MiB/s. */
  static String rate(long bytesPerSecond) {
    return bytes(bytesPerSecond) + "/s";
  }

  /** 31 %. */
  static String share(double share) {
    return Math.round(share * 100) + " %";
  }

  /** 120 ms (80 ms to 210 ms). */
  static String estimate(DurationEstimate estimate) {
    return "%s (%s to %s)"
        .formatted(
            duration(estimate.getExpected()),
            duration(estimate.getLow()),
            duration(estimate.getHigh()));
  }

  /** 85 ms, 2.41 s, 3 min 20 s. */
  static String duration(Duration duration) {
    return milliseconds(duration.getSeconds() * 1000 + Math.round(duration.getNanos() / 1e6));
  }

  /** 0.21 ms, for what is mostly less than a millisecond. */
  static String fine(Duration duration) {
    double milliseconds = duration.getSeconds() * 1e3 + duration.getNanos() / 1e6;
    return String.format(Locale.ROOT, "%.2f ms", milliseconds);
  }

  /** The same from milliseconds. */
  static String milliseconds(long milliseconds) {
    if (milliseconds < 1000) {
      return milliseconds + " ms";
    }
    if (milliseconds < 60_000) {
      return String.format(Locale.ROOT, "%.2f s", milliseconds / 1000.0);
    }
    return "%d min %d s".formatted(milliseconds / 60_000, milliseconds / 1000 % 60);
  }
}
