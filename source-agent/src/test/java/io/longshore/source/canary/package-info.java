/** Canaries that are not moved. */
@NullMarked
package io.longshore.source.canary;

import org.jspecify.annotations.NullMarked;
