@NullMarked
package io.longshore.agent.doctor;

import org.jspecify.annotations.NullMarked;
