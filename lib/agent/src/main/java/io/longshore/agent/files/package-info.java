/** Trees of files that move with a workload: what both agents need to run rsync on one safely. */
@NullMarked
package io.longshore.agent.files;

import org.jspecify.annotations.NullMarked;
