/** gRPC servers and channels as all services use them. */
@NullMarked
package io.longshore.platform.rpc;

import org.jspecify.annotations.NullMarked;
