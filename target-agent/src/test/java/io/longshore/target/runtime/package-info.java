/** What runs workloads on the target. */
@NullMarked
package io.longshore.target.runtime;

import org.jspecify.annotations.NullMarked;
