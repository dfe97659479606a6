/**
 * The pages of a workload between the network and its memory: received into the {@link
 * io.longshore.target.pages.PageStore}, asked for by {@code criu lazy-pages} and answered by the
 * {@link io.longshore.target.pages.PageInstaller}.
 */
@NullMarked
package io.longshore.target.pages;

import org.jspecify.annotations.NullMarked;
