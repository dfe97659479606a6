/** Rules between modules. */
@NullMarked
package io.longshore.acceptance;

import org.jspecify.annotations.NullMarked;
