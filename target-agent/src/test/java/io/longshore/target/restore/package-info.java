/** Restoring. */
@NullMarked
package io.longshore.target.restore;

import org.jspecify.annotations.NullMarked;
