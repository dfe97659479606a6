package io.longshore.platform.value;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A number of bytes, written with a binary unit: {@code 512}, {@code 64KiB}, {@code 1 MiB}, {@code
 * 2GiB}.
 *
 * @param bytes not negative
 */
public record ByteSize(long bytes) implements Comparable<ByteSize> {
  private static final Pattern SYNTAX = Pattern.compile("(\\d{1,18}) *(B|KiB|MiB|GiB|TiB)?");
  private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};

  /** Refuses negative sizes. */
  public ByteSize {
    if (bytes < 0) {
      throw new IllegalArgumentException("a size cannot be negative: " + bytes);
    }
  }

  /** So many bytes. */
  public static ByteSize ofBytes(long bytes) {
    return new ByteSize(bytes);
  }

  /** So many times 1024 bytes. */
  public static ByteSize ofKibibytes(long kibibytes) {
    return new ByteSize(Math.multiplyExact(kibibytes, 1L << 10));
  }

  /** So many times 1024 * 1024 bytes. */
  public static ByteSize ofMebibytes(long mebibytes) {
    return new ByteSize(Math.multiplyExact(mebibytes, 1L << 20));
  }

  /**
   * Reads a number with an optional unit of B, KiB, MiB, GiB or TiB.
   *
   * @throws IllegalArgumentException if it is something else or does not fit a long
   */
  public static ByteSize parse(String text) {
    Matcher matcher = SYNTAX.matcher(text.strip());
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "expected a size like 4096, 64KiB, 1MiB or 2GiB, found '" + text + "'");
    }
    long number = Long.parseLong(matcher.group(1));
    String unit = matcher.group(2) == null ? "B" : matcher.group(2);
    int power = 0;
    while (!UNITS[power].equals(unit)) {
      power++;
    }
    try {
      return new ByteSize(Math.multiplyExact(number, 1L << (10 * power)));
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("too large: '" + text + "'", e);
    }
  }

  /**
   * As an int, for interfaces that take no more.
   *
   * @throws ArithmeticException from 2 GiB on
   */
  public int toIntExact() {
    return Math.toIntExact(bytes);
  }

  @Override
  public int compareTo(ByteSize other) {
    return Long.compare(bytes, other.bytes);
  }

  /** The number with the largest unit that needs no fraction; {@link #parse} reads it back. */
  @Override
  public String toString() {
    long number = bytes;
    int power = 0;
    while (number != 0 && number % 1024 == 0 && power < UNITS.length - 1) {
      number /= 1024;
      power++;
    }
    return number + UNITS[power];
  }
}
