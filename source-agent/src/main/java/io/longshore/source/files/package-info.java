/** Trees of files that go to the target with a workload: measured, then copied in passes. */
@NullMarked
package io.longshore.source.files;

import org.jspecify.annotations.NullMarked;
