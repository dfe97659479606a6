/** Images sent while they are written. */
@NullMarked
package io.longshore.source.images;

import org.jspecify.annotations.NullMarked;
