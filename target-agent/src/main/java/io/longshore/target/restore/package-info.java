/** Bringing a workload back to life with CRIU, held until the coordinator says go. */
@NullMarked
package io.longshore.target.restore;

import org.jspecify.annotations.NullMarked;
