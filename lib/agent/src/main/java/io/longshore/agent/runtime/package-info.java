/** What runs workloads on a host: plain processes, or the containers of a runtime. */
@NullMarked
package io.longshore.agent.runtime;

import org.jspecify.annotations.NullMarked;
