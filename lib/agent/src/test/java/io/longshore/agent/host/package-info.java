/** What this host says of itself. */
@NullMarked
package io.longshore.agent.host;

import org.jspecify.annotations.NullMarked;
