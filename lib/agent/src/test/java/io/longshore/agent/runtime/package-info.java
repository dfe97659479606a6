/** What runs workloads. */
@NullMarked
package io.longshore.agent.runtime;

import org.jspecify.annotations.NullMarked;
