@NullMarked
package io.longshore.linux.network;

import org.jspecify.annotations.NullMarked;
