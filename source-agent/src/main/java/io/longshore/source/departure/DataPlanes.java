package io.longshore.source.departure;

import io.longshore.agent.migration.MigrationRef;

/** Opens data streams. */
public interface DataPlanes {
  /**
   * Begins to open the streams of a migration. Returns at once; {@link DataPlane#awaitOpen} tells
   * whether they could be opened.
   *
   * @param ref the migration, with the newest epoch that is known
   */
  DataPlane open(MigrationRef ref, TransferTarget target);
}
