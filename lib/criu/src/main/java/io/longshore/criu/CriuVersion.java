package io.longshore.criu;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The version of a CRIU program, as {@code criu --version} prints it.
 *
 * @param major first number
 * @param minor second number
 * @param patch third number, 0 if there is none
 */
public record CriuVersion(int major, int minor, int patch) implements Comparable<CriuVersion> {

  /** The first version whose page counts are 64 bits wide, on the wire and in pagemaps. */
  public static final CriuVersion WIDE_PAGE_COUNTS = new CriuVersion(4, 2, 0);

  private static final Pattern PRINTED =
      Pattern.compile("^Version: (\\d{1,4})\\.(\\d{1,4})(?:\\.(\\d{1,4}))?\\b", Pattern.MULTILINE);
  private static final Comparator<CriuVersion> ORDER =
      Comparator.comparingInt(CriuVersion::major)
          .thenComparingInt(CriuVersion::minor)
          .thenComparingInt(CriuVersion::patch);

  /** Refuses negative numbers. */
  public CriuVersion {
    if (major < 0 || minor < 0 || patch < 0) {
      throw new IllegalArgumentException(
          "not a version: " + major + "." + minor + "." + patch + "; numbers start at 0");
    }
  }

  /** Finds the version in what {@code criu --version} printed; empty if there is none. */
  public static Optional<CriuVersion> find(String printed) {
    Matcher matcher = PRINTED.matcher(printed);
    if (!matcher.find()) {
      return Optional.empty();
    }
    String patch = matcher.group(3);
    return Optional.of(
        new CriuVersion(
            Integer.parseInt(matcher.group(1)),
            Integer.parseInt(matcher.group(2)),
            patch == null ? 0 : Integer.parseInt(patch)));
  }

  /** Whether this is {@code other} or newer. */
  public boolean isAtLeast(CriuVersion other) {
    return compareTo(other) >= 0;
  }

  @Override
  public int compareTo(CriuVersion other) {
    return ORDER.compare(this, other);
  }

  @Override
  public String toString() {
    return major + "." + minor + "." + patch;
  }
}
