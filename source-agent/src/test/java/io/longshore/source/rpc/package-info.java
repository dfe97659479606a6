/** Data streams against a real port. */
@NullMarked
package io.longshore.source.rpc;

import org.jspecify.annotations.NullMarked;
