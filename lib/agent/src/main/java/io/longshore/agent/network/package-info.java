/** What both agents do with the addresses of a workload. */
@NullMarked
package io.longshore.agent.network;

import org.jspecify.annotations.NullMarked;
