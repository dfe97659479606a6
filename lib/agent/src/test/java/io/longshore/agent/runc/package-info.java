@NullMarked
package io.longshore.agent.runc;

import org.jspecify.annotations.NullMarked;
