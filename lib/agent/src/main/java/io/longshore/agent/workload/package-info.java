/** What the agents tell each other about a workload: found by the source, checked by the target. */
@NullMarked
package io.longshore.agent.workload;

import org.jspecify.annotations.NullMarked;
