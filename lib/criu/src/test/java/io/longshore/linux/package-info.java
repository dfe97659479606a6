@NullMarked
package io.longshore.linux;

import org.jspecify.annotations.NullMarked;
