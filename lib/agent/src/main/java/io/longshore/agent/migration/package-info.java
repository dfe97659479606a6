/** How a service that takes part in migrations keeps them apart and refuses yesterday's orders. */
@NullMarked
package io.longshore.agent.migration;

import org.jspecify.annotations.NullMarked;
