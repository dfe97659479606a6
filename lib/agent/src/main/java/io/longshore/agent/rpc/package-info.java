/** What both agents say to, and understand from, the coordinator. */
@NullMarked
package io.longshore.agent.rpc;

import org.jspecify.annotations.NullMarked;
