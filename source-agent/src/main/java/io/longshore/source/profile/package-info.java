/** What a workload's memory is like: how much there is of each kind, and how fast it changes. */
@NullMarked
package io.longshore.source.profile;

import org.jspecify.annotations.NullMarked;
