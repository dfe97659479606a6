/** What all services of the coordinator check in requests. */
@NullMarked
package io.longshore.coordinator.rpc;

import org.jspecify.annotations.NullMarked;
