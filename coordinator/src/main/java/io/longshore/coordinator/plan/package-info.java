/** What a migration would do and what stands in its way. */
@NullMarked
package io.longshore.coordinator.plan;

import org.jspecify.annotations.NullMarked;
