/** How migrations are shown. */
@NullMarked
package io.longshore.coordinator.migration.rpc;

import org.jspecify.annotations.NullMarked;
