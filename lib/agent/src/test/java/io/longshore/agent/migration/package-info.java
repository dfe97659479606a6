/** Orders and their outcomes. */
@NullMarked
package io.longshore.agent.migration;

import org.jspecify.annotations.NullMarked;
