/** How a service that takes part in migrations keeps them apart and refuses yesterday's orders. */
@NullMarked
package io.longshore.platform.migration;

import org.jspecify.annotations.NullMarked;
