@NullMarked
package io.longshore.source.profile;

import org.jspecify.annotations.NullMarked;
