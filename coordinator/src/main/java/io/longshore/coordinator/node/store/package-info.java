/** Nodes in SQL. */
@NullMarked
package io.longshore.coordinator.node.store;

import org.jspecify.annotations.NullMarked;
