/** Checks on folders made for them. */
@NullMarked
package io.longshore.target.check;

import org.jspecify.annotations.NullMarked;
