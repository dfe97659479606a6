/**
 * Starts CRIU, holds it at its action-script barriers, bounds every wait and tells why it failed.
 */
@NullMarked
package io.longshore.criu.run;

import org.jspecify.annotations.NullMarked;
