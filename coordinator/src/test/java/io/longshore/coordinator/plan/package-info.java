@NullMarked
package io.longshore.coordinator.plan;

import org.jspecify.annotations.NullMarked;
