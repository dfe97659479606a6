/** Tests against real hosts, services, CRIU and Redis on the testbed. Run with -Ptestbed. */
@NullMarked
package io.longshore.acceptance.testbed;

import org.jspecify.annotations.NullMarked;
