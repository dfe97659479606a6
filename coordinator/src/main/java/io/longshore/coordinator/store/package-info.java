/** The database that all stores share. */
@NullMarked
package io.longshore.coordinator.store;

import org.jspecify.annotations.NullMarked;
