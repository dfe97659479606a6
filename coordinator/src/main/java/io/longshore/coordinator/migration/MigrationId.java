package io.longshore.coordinator.migration;

import java.security.SecureRandom;

/**
 * Names migrations: short enough to type, safe in file names, random enough never to meet again.
 */
final class MigrationId {
  private static final String LETTERS = "0123456789abcdefghjkmnpqrstvwxyz";
  private static final int LENGTH = 13;
  private static final SecureRandom RANDOM = new SecureRandom();

  private MigrationId() {}

  /** A new id of 65 random bits. */
  static String random() {
    StringBuilder id = new StringBuilder("m-");
    for (int i = 0; i < LENGTH; i++) {
      id.append(LETTERS.charAt(RANDOM.nextInt(LETTERS.length())));
    }
    return id.toString();
  }
}
