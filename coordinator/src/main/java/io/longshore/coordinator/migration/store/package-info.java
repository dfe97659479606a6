/** Migrations in SQL. */
@NullMarked
package io.longshore.coordinator.migration.store;

import org.jspecify.annotations.NullMarked;
