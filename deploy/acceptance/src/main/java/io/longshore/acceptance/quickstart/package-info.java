/** What deploy/quickstart says in the end. */
@NullMarked
package io.longshore.acceptance.quickstart;

import org.jspecify.annotations.NullMarked;
