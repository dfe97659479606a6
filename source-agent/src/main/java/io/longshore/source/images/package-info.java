/** CRIU's images on their way to the target, sent as CRIU finishes them. */
@NullMarked
package io.longshore.source.images;

import org.jspecify.annotations.NullMarked;
