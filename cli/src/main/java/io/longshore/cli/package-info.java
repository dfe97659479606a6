/** {@code longshore}, the operator's command: plans, starts, follows and cancels migrations. */
@NullMarked
package io.longshore.cli;

import org.jspecify.annotations.NullMarked;
