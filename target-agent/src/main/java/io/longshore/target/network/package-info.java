/** The addresses that come with a workload. */
@NullMarked
package io.longshore.target.network;

import org.jspecify.annotations.NullMarked;
