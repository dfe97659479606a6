/** The nodes and their agents' heartbeats. */
@NullMarked
package io.longshore.coordinator.node;

import org.jspecify.annotations.NullMarked;
