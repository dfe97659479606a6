/**
 * What runs workloads on the target: each runtime is one {@link
 * io.longshore.target.runtime.TargetRuntime} and its {@link io.longshore.target.runtime.Coming}.
 */
@NullMarked
package io.longshore.target.runtime;

import org.jspecify.annotations.NullMarked;
