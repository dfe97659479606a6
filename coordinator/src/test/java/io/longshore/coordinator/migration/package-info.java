/** The state machine and its runner, without agents. */
@NullMarked
package io.longshore.coordinator.migration;

import org.jspecify.annotations.NullMarked;
