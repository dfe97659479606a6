@NullMarked
package io.longshore.acceptance.load;

import org.jspecify.annotations.NullMarked;
