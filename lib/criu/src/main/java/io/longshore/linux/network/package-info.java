/**
 * Addresses that move with a workload: who has them, keeping packets from them, delivering those
 * later.
 */
@NullMarked
package io.longshore.linux.network;

import org.jspecify.annotations.NullMarked;
