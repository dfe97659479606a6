/** Facts about workloads. */
@NullMarked
package io.longshore.agent.workload;

import org.jspecify.annotations.NullMarked;
