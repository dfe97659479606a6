/**
 * What runs the workloads of the source: each runtime is one {@link
 * io.longshore.source.runtime.SourceRuntime} and its {@link io.longshore.source.runtime.Leaving}.
 */
@NullMarked
package io.longshore.source.runtime;

import org.jspecify.annotations.NullMarked;
