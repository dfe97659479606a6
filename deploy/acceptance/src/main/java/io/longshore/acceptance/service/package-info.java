/** A service for tests of migrations and for the benchmark. */
@NullMarked
package io.longshore.acceptance.service;

import org.jspecify.annotations.NullMarked;
