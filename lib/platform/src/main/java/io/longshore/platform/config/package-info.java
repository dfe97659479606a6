/** Configuration files, bound to records. */
@NullMarked
package io.longshore.platform.config;

import org.jspecify.annotations.NullMarked;
