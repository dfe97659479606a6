@NullMarked
package io.longshore.agent.journal;

import org.jspecify.annotations.NullMarked;
