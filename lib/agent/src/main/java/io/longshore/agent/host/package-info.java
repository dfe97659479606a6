/** The host of an agent: what it can do, and who the agent is. */
@NullMarked
package io.longshore.agent.host;

import org.jspecify.annotations.NullMarked;
