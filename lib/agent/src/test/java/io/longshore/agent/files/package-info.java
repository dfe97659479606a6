@NullMarked
package io.longshore.agent.files;

import org.jspecify.annotations.NullMarked;
