/**
 * A workload's way out of this host: one {@link io.longshore.source.departure.Departure} per
 * migration.
 */
@NullMarked
package io.longshore.source.departure;

import org.jspecify.annotations.NullMarked;
