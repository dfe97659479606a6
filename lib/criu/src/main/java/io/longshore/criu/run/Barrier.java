package io.longshore.criu.run;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Optional;

/**
 * Holds CRIU at one of its actions until the agent answers. CRIU runs a constant script there
 * ({@code barrier.sh}), which says in a file that it waits and takes the answer from a FIFO; both
 * are in a folder of their own below the work folder.
 *
 * <p>Nothing of this lives in the agent: one that is restarted calls {@link #attach} and sees and
 * answers as the first would have. The first answer counts, a second one changes nothing.
 */
public final class Barrier {

  private static final String SCRIPT = "barrier.sh";

  private final Path folder;
  private final Action action;

  /** Where CRIU can be held (criu/action-scripts.c). */
  public enum Action {
    /**
     * CRIU has started a dump; the tree still runs. An abort fails the dump before anything
     * happened.
     */
    PRE_DUMP("pre-dump"),
    /**
     * All images of a dump are written; the tree is frozen. With lazy pages an abort does not end
     * the dump.
     */
    POST_DUMP("post-dump"),
    /**
     * The root of a restore is there, with its namespaces and nothing else. CRIU does not come here
     * for a tree that has no namespaces of its own.
     */
    SETUP_NAMESPACES("setup-namespaces"),
    /** All is restored and nothing runs. An abort kills what was restored. */
    POST_RESTORE("post-restore");

    private final String word;

    Action(String word) {
      this.word = word;
    }

    /** CRIU's name for it. */
    public String word() {
      return word;
    }
  }

  /** What the agent can answer. */
  public enum Answer {
    /** CRIU goes on. */
    GO("go"),
    /** CRIU fails. */
    ABORT("abort");

    private final String word;

    Answer(String word) {
      this.word = word;
    }
  }

  private Barrier(Path folder, Action action) {
    this.folder = folder;
    this.action = action;
  }

  /** Builds a barrier below a work folder in which no CRIU runs yet. */
  static Barrier create(Path work, Action action) throws IOException {
    Barrier barrier = new Barrier(folder(work), action);
    Files.createDirectories(
        barrier.folder,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    barrier.writeScript();
    Files.deleteIfExists(barrier.file("held"));
    Files.deleteIfExists(barrier.file("answered"));
    Files.deleteIfExists(barrier.file("answer"));
    SystemCalls.makeFifo(barrier.file("answer"));
    return barrier;
  }

  /**
   * Takes up a barrier that an earlier agent built.
   *
   * @throws NoSuchFileException if there is none
   */
  public static Barrier attach(Path work, Action action) throws IOException {
    Barrier barrier = new Barrier(folder(work), action);
    if (!Files.exists(barrier.file("answer"))) {
      throw new NoSuchFileException(
          barrier.file("answer").toString(), null, "no barrier was built at " + action.word());
    }
    return barrier;
  }

  /** Where CRIU is held. */
  public Action action() {
    return action;
  }

  /**
   * The root of the tree as CRIU sees it, 0 if CRIU has none yet; empty while CRIU has not come to
   * the barrier.
   */
  public Optional<Integer> held() throws IOException {
    Optional<String> line = line(file("held"));
    try {
      return line.map(Integer::valueOf);
    } catch (NumberFormatException _) {
      throw new IOException(
          file("held") + " should hold a process id but holds \"" + line.orElse("") + "\"");
    }
  }

  /** What CRIU was answered; empty while it is held or has not come. */
  public Optional<Answer> answered() throws IOException {
    String line = line(file("answered")).orElse("");
    for (Answer answer : Answer.values()) {
      if (answer.word.equals(line)) {
        return Optional.of(answer);
      }
    }
    return Optional.empty();
  }

  /**
   * Answers.
   *
   * @throws IllegalStateException if CRIU is not held: an answer to nobody would be lost
   */
  public void answer(Answer answer) throws IOException {
    if (held().isEmpty()) {
      throw new IllegalStateException("CRIU has not come to " + action.word() + " yet");
    }
    // Opened for both so that neither the opening nor the writing waits for the script.
    try (FileChannel fifo =
        FileChannel.open(file("answer"), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      fifo.write(ByteBuffer.wrap((answer.word + "\n").getBytes(StandardCharsets.UTF_8)));
    }
  }

  /** The script, for {@code --action-script}. */
  Path script() {
    return folder.resolve(SCRIPT);
  }

  /** The folder in which {@link #held} becomes visible. */
  Path folder() {
    return folder;
  }

  private Path file(String suffix) {
    return folder.resolve(action.word() + "." + suffix);
  }

  private void writeScript() throws IOException {
    try (InputStream script =
        Objects.requireNonNull(Barrier.class.getResourceAsStream(SCRIPT), SCRIPT)) {
      Files.write(script(), script.readAllBytes());
    }
    Files.setPosixFilePermissions(script(), PosixFilePermissions.fromString("rwx------"));
  }

  private static Path folder(Path work) {
    return work.toAbsolutePath().resolve("barrier");
  }

  /** The line of a file, empty while it is not complete. */
  private static Optional<String> line(Path file) throws IOException {
    try {
      String text = Files.readString(file);
      return text.endsWith("\n") ? Optional.of(text.strip()) : Optional.empty();
    } catch (NoSuchFileException _) {
      return Optional.empty();
    }
  }
}
