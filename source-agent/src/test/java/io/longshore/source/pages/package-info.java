/** Pages of real processes, and who sends them. */
@NullMarked
package io.longshore.source.pages;

import org.jspecify.annotations.NullMarked;
