/** Tests of it. */
@NullMarked
package io.longshore.source.network;

import org.jspecify.annotations.NullMarked;
