/** CRIU's page-server protocol (criu/page-xfer.c), both header layouts, from either end. */
@NullMarked
package io.longshore.criu.pageserver;

import org.jspecify.annotations.NullMarked;
