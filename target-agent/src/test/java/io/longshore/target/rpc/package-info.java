/** The data plane on a real port, with friendly and hostile peers. */
@NullMarked
package io.longshore.target.rpc;

import org.jspecify.annotations.NullMarked;
