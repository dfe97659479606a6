/** What dead migrations left on this node: found and removed, also while no agent runs. */
@NullMarked
package io.longshore.agent.doctor;

import org.jspecify.annotations.NullMarked;
