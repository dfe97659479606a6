/** The network of a container that leaves. */
@NullMarked
package io.longshore.source.network;

import org.jspecify.annotations.NullMarked;
