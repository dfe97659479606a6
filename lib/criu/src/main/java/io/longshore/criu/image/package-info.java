/** CRIU's image formats: framing, pagemap, inventory, pstree and stats, read as hostile input. */
@NullMarked
package io.longshore.criu.image;

import org.jspecify.annotations.NullMarked;
