/** Which pages of running processes were written: what a pre-copy round must send again. */
@NullMarked
package io.longshore.source.tracking;

import org.jspecify.annotations.NullMarked;
