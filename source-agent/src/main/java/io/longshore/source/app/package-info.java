/** The source-agent as a program. */
@NullMarked
package io.longshore.source.app;

import org.jspecify.annotations.NullMarked;
