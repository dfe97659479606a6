/** Small workloads that a node moves to itself to see whether moving works. */
@NullMarked
package io.longshore.source.canary;

import org.jspecify.annotations.NullMarked;
