@NullMarked
package io.longshore.acceptance.quickstart;

import org.jspecify.annotations.NullMarked;
