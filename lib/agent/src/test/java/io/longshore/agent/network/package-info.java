@NullMarked
package io.longshore.agent.network;

import org.jspecify.annotations.NullMarked;
