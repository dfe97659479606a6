/**
 * The target-agent's gRPC side: its service for the coordinator, and the receiving end of the data
 * streams.
 */
@NullMarked
package io.longshore.target.rpc;

import org.jspecify.annotations.NullMarked;
