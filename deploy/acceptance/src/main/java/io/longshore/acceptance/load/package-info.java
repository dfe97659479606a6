/**
 * The Redis client of the quickstart and of the tests: fills a server, loads it while it is
 * migrated, and checks every answer.
 */
@NullMarked
package io.longshore.acceptance.load;

import org.jspecify.annotations.NullMarked;
