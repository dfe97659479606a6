/** Traces, and trace ids in logs. */
@NullMarked
package io.longshore.platform.telemetry;

import org.jspecify.annotations.NullMarked;
