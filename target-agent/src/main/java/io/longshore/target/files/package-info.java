/** Trees of files that come to this host with a workload: made, filled, kept or removed. */
@NullMarked
package io.longshore.target.files;

import org.jspecify.annotations.NullMarked;
