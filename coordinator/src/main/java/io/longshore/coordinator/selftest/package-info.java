/** Moves a small process from each node to itself before the node is used. */
@NullMarked
package io.longshore.coordinator.selftest;

import org.jspecify.annotations.NullMarked;
