/** The source-agent's gRPC side: its service for the coordinator, its streams to the target. */
@NullMarked
package io.longshore.source.rpc;

import org.jspecify.annotations.NullMarked;
