/** The target-agent as a program. */
@NullMarked
package io.longshore.target.app;

import org.jspecify.annotations.NullMarked;
