/**
 * The Linux interfaces the agents use, one small class each, called through {@code
 * java.lang.foreign}.
 *
 * <p>x86-64 is what the tests run on. Numbers and layouts here are those of the generic 64-bit ABI
 * and hold on arm64 too; where the two differ, both are given.
 *
 * <p>A failed call is a {@link io.longshore.linux.SystemCallException} that names the call, its
 * arguments and {@code errno}. Methods that wait inside the kernel hold their carrier: call them
 * from platform threads.
 */
@NullMarked
package io.longshore.linux;

import org.jspecify.annotations.NullMarked;
