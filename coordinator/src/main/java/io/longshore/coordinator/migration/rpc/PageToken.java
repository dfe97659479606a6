package io.longshore.coordinator.migration.rpc;

import io.longshore.coordinator.migration.Migration;
import io.longshore.coordinator.migration.MigrationStore.Position;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Optional;

/**
 * Where the next page of a list begins, as an opaque word. Pages neither repeat nor skip what is
 * there all the time.
 */
final class PageToken {
  private static final int LONGEST = 256;

  private PageToken() {}

  static String after(Migration last) {
    String text = ChronoUnit.MICROS.between(Instant.EPOCH, last.createTime()) + " " + last.id();
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  static Optional<Position> parse(String token) {
    if (token.isEmpty()) {
      return Optional.empty();
    }
    try {
      if (token.length() <= LONGEST) {
        String text = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
        int space = text.indexOf(' ');
        if (space > 0) {
          long micros = Long.parseLong(text.substring(0, space));
          return Optional.of(
              new Position(
                  Instant.EPOCH.plus(micros, ChronoUnit.MICROS), text.substring(space + 1)));
        }
      }
      throw new IllegalArgumentException("not of this form");
    } catch (IllegalArgumentException e) {
      throw new LongshoreException(
              Reason.INVALID_ARGUMENT,
              "page_token is none that this coordinator gave: pass on next_page_token unchanged",
              e)
          .with("field", "page_token");
    }
  }
}
