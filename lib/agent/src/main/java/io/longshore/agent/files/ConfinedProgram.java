package io.longshore.agent.files;

import io.longshore.linux.BundledProgram;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Starts programs that see one tree of files, as their working folder, and nothing else of this
 * host (confined.c). Thread-safe.
 */
public final class ConfinedProgram {
  /** What the program reaches the socket of its {@link View} by. */
  public static final String BRIDGE = "/bridge bridge";

  private static final String NAME = "confined";

  private final Path program;
  private final Path root;

  /**
   * What a program sees.
   *
   * @param tree absolute path of a folder; what is mounted below it, or over parts of it, is not
   *     seen
   * @param process whose path it is, in its mount namespace and from its root; empty: the agent's
   * @param writable whether it may be changed
   * @param writeBack whether what was written to it by mappings is written back before
   * @param lock locked as long as the program or one of its children lives; it is not started if
   *     another has it
   * @param socket that the program may reach by {@link #BRIDGE}
   */
  public record View(
      Path tree,
      OptionalInt process,
      boolean writable,
      boolean writeBack,
      Optional<Path> lock,
      Optional<Path> socket) {
    /** To look at a tree, and at nothing else. */
    public static View of(Path tree, OptionalInt process) {
      return new View(tree, process, false, false, Optional.empty(), Optional.empty());
    }

    /** To change a tree; no other program can at the same time. */
    public static View toChange(Path tree, Path lock) {
      return new View(tree, OptionalInt.empty(), true, false, Optional.of(lock), Optional.empty());
    }

    /** The same with a socket. */
    public View with(Path reachable) {
      return new View(tree, process, writable, writeBack, lock, Optional.of(reachable));
    }

    /** The same, written back first. */
    public View writtenBack() {
      return new View(tree, process, writable, true, lock, socket);
    }
  }

  /**
   * Puts it where it can be run.
   *
   * @param folder of the agent's own, made if it is not there; only its owner can look into it
   */
  public ConfinedProgram(Path folder) throws IOException {
    Files.createDirectories(
        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Path own = folder.toRealPath();
    root = own.resolve("root");
    program = own.resolve(NAME);
    Files.createDirectories(root);
    BundledProgram.install(ConfinedProgram.class, NAME, program);
  }

  /**
   * Begins to start one, in an environment that has only a PATH and the language C. Its end is that
   * of the process: with it all die that descend from it.
   */
  public ProcessBuilder command(View view, List<String> command) {
    List<String> words =
        new ArrayList<>(List.of(program.toString(), root.toString(), view.tree().toString()));
    if (!view.writable()) {
      words.add("--read-only");
    }
    if (view.writeBack()) {
      words.add("--write-back");
    }
    view.process().ifPresent(pid -> words.addAll(List.of("--mounts-of", Integer.toString(pid))));
    view.lock().ifPresent(path -> words.addAll(List.of("--lock", path.toString())));
    view.socket().ifPresent(path -> words.addAll(List.of("--socket", path.toString())));
    words.add("--");
    words.addAll(command);
    ProcessBuilder builder = new ProcessBuilder(words).directory(new File("/"));
    builder.environment().clear();
    builder.environment().put("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    builder.environment().put("LC_ALL", "C");
    return builder;
  }

  /** Starts what {@link #command} began. */
  public static Process start(ProcessBuilder command) throws IOException {
    return BundledProgram.start(command);
  }
}
