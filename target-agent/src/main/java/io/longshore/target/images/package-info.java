/** CRIU's images as they arrive, in memory (tmpfs). */
@NullMarked
package io.longshore.target.images;

import org.jspecify.annotations.NullMarked;
