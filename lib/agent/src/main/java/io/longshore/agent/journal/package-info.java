/** What an agent holds for migrations, on the disk: how it knows after a restart what it owns. */
@NullMarked
package io.longshore.agent.journal;

import org.jspecify.annotations.NullMarked;
