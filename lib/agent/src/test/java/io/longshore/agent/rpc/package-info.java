/** Messages and heartbeats, on a real port where it matters. */
@NullMarked
package io.longshore.agent.rpc;

import org.jspecify.annotations.NullMarked;
