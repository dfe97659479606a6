@NullMarked
package io.longshore.target.files;

import org.jspecify.annotations.NullMarked;
