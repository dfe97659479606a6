/** The stores on a real database. */
@NullMarked
package io.longshore.coordinator.store;

import org.jspecify.annotations.NullMarked;
