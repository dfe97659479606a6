/** Containers of runc: the program, bundles, and its part in moving a container. */
@NullMarked
package io.longshore.agent.runc;

import org.jspecify.annotations.NullMarked;
