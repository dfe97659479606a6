/** What would keep this host from taking a workload, found before the workload is touched. */
@NullMarked
package io.longshore.target.check;

import org.jspecify.annotations.NullMarked;
