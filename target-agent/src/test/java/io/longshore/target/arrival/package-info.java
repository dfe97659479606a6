/** Arrivals, and what is left of them when their agent dies. */
@NullMarked
package io.longshore.target.arrival;

import org.jspecify.annotations.NullMarked;
