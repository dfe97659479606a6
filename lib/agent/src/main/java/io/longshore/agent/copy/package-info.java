/** A workload's copy on a target: what is written down of it, and how it is ended. */
@NullMarked
package io.longshore.agent.copy;

import org.jspecify.annotations.NullMarked;
