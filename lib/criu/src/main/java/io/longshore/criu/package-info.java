/** What the parts about CRIU share. */
@NullMarked
package io.longshore.criu;

import org.jspecify.annotations.NullMarked;
