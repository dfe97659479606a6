/**
 * What CRIU and the programs that drive it say to each other over a socket (images/rpc.proto of
 * CRIU): here the agents take CRIU's part towards runc.
 */
@NullMarked
package io.longshore.criu.rpc;

import org.jspecify.annotations.NullMarked;
