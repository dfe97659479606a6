@NullMarked
package io.longshore.criu.rpc;

import org.jspecify.annotations.NullMarked;
