/** How an agent makes itself known to the coordinator. */
@NullMarked
package io.longshore.platform.registration;

import org.jspecify.annotations.NullMarked;
