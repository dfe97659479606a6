/** The agents' gRPC clients. */
@NullMarked
package io.longshore.coordinator.agent.rpc;

import org.jspecify.annotations.NullMarked;
