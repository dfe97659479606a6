/** Values that several services read from configuration and messages. */
@NullMarked
package io.longshore.platform.value;

import org.jspecify.annotations.NullMarked;
