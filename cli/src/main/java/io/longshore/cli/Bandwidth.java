package io.longshore.cli;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Rates as people write them. */
final class Bandwidth {
  private static final Pattern RATE =
      Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?)([kmgt]?)(bit|b)", Pattern.CASE_INSENSITIVE);

  private Bandwidth() {}

  /**
   * Bytes a second: {@code 200mbit} and {@code 25MB} are 25,000,000; {@code none} is 0.
   *
   * @throws UsageException if it is no rate
   */
  static long parse(String text) {
    if (text.equals("none")) {
      return 0;
    }
    Matcher rate = RATE.matcher(text);
    if (!rate.matches()) {
      throw new UsageException(
          "--max-bandwidth: expected a rate such as 200mbit or 25MB (a second), or none; found "
              + text);
    }
    int thousands = " kmgt".indexOf(rate.group(2).isEmpty() ? " " : lower(rate.group(2)));
    BigDecimal units = new BigDecimal(rate.group(1)).scaleByPowerOfTen(3 * thousands);
    BigDecimal bytes =
        lower(rate.group(3)).equals("bit") ? units.divide(BigDecimal.valueOf(8)) : units;
    // What is written as something must not become nothing, which is no limit.
    return bytes.setScale(0, RoundingMode.UP).longValueExact();
  }

  /** 25.0 MB/s. */
  static String text(long bytesPerSecond) {
    return bytesPerSecond < 1_000_000
        ? String.format(Locale.ROOT, "%.1f kB/s", bytesPerSecond / 1e3)
        : String.format(Locale.ROOT, "%.1f MB/s", bytesPerSecond / 1e6);
  }

  private static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }
}
