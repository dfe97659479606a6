/** Starting and stopping services. */
@NullMarked
package io.longshore.platform.lifecycle;

import org.jspecify.annotations.NullMarked;
