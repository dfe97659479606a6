/** Departures without CRIU. */
@NullMarked
package io.longshore.source.departure;

import org.jspecify.annotations.NullMarked;
