package io.longshore.coordinator.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How values are kept in columns: see the head of the first schema migration. */
public final class Columns {
  private Columns() {}

  /** Microseconds since 1970. */
  public static long micros(Instant time) {
    return ChronoUnit.MICROS.between(Instant.EPOCH, time);
  }

  /** Microseconds since 1970, null for null. */
  public static @Nullable Long microsOrNull(@Nullable Instant time) {
    return time == null ? null : micros(time);
  }

  /** Nanoseconds, null for null. */
  public static @Nullable Long nanosOrNull(@Nullable Duration time) {
    return time == null ? null : time.toNanos();
  }

  /** One a line. */
  public static String lines(List<String> values) {
    return String.join("\n", values);
  }

  /** What {@link #micros} wrote. */
  public static Instant instant(ResultSet row, String column) throws SQLException {
    return Instant.EPOCH.plus(row.getLong(column), ChronoUnit.MICROS);
  }

  /** What {@link #microsOrNull} wrote. */
  public static @Nullable Instant instantOrNull(ResultSet row, String column) throws SQLException {
    long micros = row.getLong(column);
    return row.wasNull() ? null : Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
  }

  /** What {@link #nanosOrNull} wrote. */
  public static @Nullable Duration durationOrNull(ResultSet row, String column)
      throws SQLException {
    long nanos = row.getLong(column);
    return row.wasNull() ? null : Duration.ofNanos(nanos);
  }

  /** What {@link #lines} wrote. */
  public static List<String> lines(ResultSet row, String column) throws SQLException {
    String text = row.getString(column);
    return text == null || text.isEmpty() ? List.of() : List.of(text.split("\n", -1));
  }
}
