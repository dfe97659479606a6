/** Wiring, configuration and the rules of the house. */
@NullMarked
package io.longshore.coordinator.app;

import org.jspecify.annotations.NullMarked;
