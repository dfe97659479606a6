/** What the coordinator asks of the agents, free of gRPC. */
@NullMarked
package io.longshore.coordinator.agent;

import org.jspecify.annotations.NullMarked;
