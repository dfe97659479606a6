package io.longshore.criu.run;

import java.util.List;

/**
 * Where a {@code criu restore} is started, and what it is told besides the usual.
 *
 * @param launcher a command that does what must be done first, as to enter a mount namespace and
 *     control groups and to open descriptors, and becomes the command that is appended to it, by
 *     execve(2): CRIU has the process id that the launcher had. Nothing above the standard
 *     descriptors is inherited by it. Empty if CRIU is started as it is
 * @param options further options of {@code criu restore}, one argument each
 * @param heldAtNamespaces whether CRIU is held at {@link Barrier.Action#SETUP_NAMESPACES} too, for
 *     {@link CriuRestore#awaitNamespaces}; only where the tree has namespaces of its own, else CRIU
 *     does not come there
 */
public record RestorePlace(List<String> launcher, List<String> options, boolean heldAtNamespaces) {

  /** Where this process is. */
  public static final RestorePlace HERE = new RestorePlace(List.of(), List.of(), false);

  /** Copies, and refuses what CRIU would misunderstand. */
  public RestorePlace {
    launcher = List.copyOf(launcher);
    options = CriuOptions.checked(options);
  }
}
