/**
 * The pages of a frozen workload: which there are, reading them, and pushing them to the target.
 */
@NullMarked
package io.longshore.source.pages;

import org.jspecify.annotations.NullMarked;
