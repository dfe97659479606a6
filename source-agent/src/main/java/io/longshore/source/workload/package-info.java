/** What a workload consists of, found in procfs; nothing is changed. */
@NullMarked
package io.longshore.source.workload;

import org.jspecify.annotations.NullMarked;
