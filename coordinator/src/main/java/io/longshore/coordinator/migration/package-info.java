/** Migrations: the state machine, its runner and the operations on them. */
@NullMarked
package io.longshore.coordinator.migration;

import org.jspecify.annotations.NullMarked;
