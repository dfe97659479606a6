/** What the main method of every service does. */
@NullMarked
package io.longshore.platform.app;

import org.jspecify.annotations.NullMarked;
