/** Workloads on their way in: one {@link io.longshore.target.arrival.Arrival} per migration. */
@NullMarked
package io.longshore.target.arrival;

import org.jspecify.annotations.NullMarked;
