/** Starts the coordinator: configuration, wiring, main. */
@NullMarked
package io.longshore.coordinator.app;

import org.jspecify.annotations.NullMarked;
