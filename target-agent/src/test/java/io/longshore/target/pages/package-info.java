/** The page store and the page source. */
@NullMarked
package io.longshore.target.pages;

import org.jspecify.annotations.NullMarked;
