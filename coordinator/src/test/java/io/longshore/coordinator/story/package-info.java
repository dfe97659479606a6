/**
 * Stories: a real coordinator, its real store, and fake agents, over real gRPC on the loopback
 * interface.
 */
@NullMarked
package io.longshore.coordinator.story;

import org.jspecify.annotations.NullMarked;
