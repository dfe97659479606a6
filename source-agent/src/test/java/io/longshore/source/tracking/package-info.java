@NullMarked
package io.longshore.source.tracking;

import org.jspecify.annotations.NullMarked;
