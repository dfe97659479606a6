package io.longshore.agent.migration;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.util.regex.Pattern;

/**
 * Names a migration in an order of the coordinator.
 *
 * @param id chosen by the coordinator; part of file, cgroup and table names, hence 1 to 64
 *     lower-case letters, digits and '-'
 * @param epoch of the coordinator that gives the order, at least 1
 */
public record MigrationRef(String id, long epoch) {
  private static final Pattern ID = Pattern.compile("[a-z0-9][a-z0-9-]{0,63}");

  /** Refuses what could not be a migration. */
  public MigrationRef {
    if (!ID.matcher(id).matches()) {
      throw new LongshoreException(
          Reason.INVALID_ARGUMENT,
          "migration_id must be 1 to 64 lower-case letters, digits and '-'");
    }
    if (epoch < 1) {
      throw new LongshoreException(
          Reason.INVALID_ARGUMENT, "epoch must be at least 1, found " + epoch);
    }
  }
}
