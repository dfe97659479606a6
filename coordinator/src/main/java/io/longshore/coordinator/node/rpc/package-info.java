/** NodeService and NodeRegistryService. */
@NullMarked
package io.longshore.coordinator.node.rpc;

import org.jspecify.annotations.NullMarked;
