/** The reasons that Longshore gives when something is refused or fails. */
@NullMarked
package io.longshore.platform.error;

import org.jspecify.annotations.NullMarked;
