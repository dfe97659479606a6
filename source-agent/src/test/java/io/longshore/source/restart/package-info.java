/** A source-agent in a process of its own, killed at every moment, with real workloads and CRIU. */
@NullMarked
package io.longshore.source.restart;

import org.jspecify.annotations.NullMarked;
