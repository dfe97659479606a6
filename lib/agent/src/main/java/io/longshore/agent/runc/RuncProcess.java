package io.longshore.agent.runc;

import io.longshore.linux.ProcessFamily;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A runc that waits for its stand-in for CRIU, in a session of its own. It outlives the agent, and
 * the next one finds it by a file.
 *
 * <p>It is always started in a mount namespace of its own. Restoring, it binds the container's root
 * and volumes into the folder of its state; were it killed with them among the host's mounts, the
 * next {@code runc delete} would delete what is in them together with that folder.
 */
final class RuncProcess {
  private static final Duration KILLED = Duration.ofSeconds(10);
  private static final Duration LOOK = Duration.ofMillis(5);
  private static final List<String> APART =
      List.of("setsid", "--", "unshare", "--mount", "--propagation", "slave", "--");

  private final Member member;
  private final Path errors;

  /** None of one that an earlier agent started: how that exits cannot be known. */
  private final @Nullable Process process;

  private RuncProcess(Member member, Path errors, @Nullable Process process) {
    this.member = member;
    this.errors = errors;
    this.process = process;
  }

  /**
   * Starts it.
   *
   * @param folder for what it prints, and for the next agent
   */
  static RuncProcess start(
      Runc runc, List<String> arguments, Map<String, String> environment, Path folder)
      throws IOException {
    File nothing = new File("/dev/null");
    Path errors = folder.resolve("runc.err");
    List<String> command = new ArrayList<>(APART);
    command.addAll(runc.command(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectInput(nothing)
            .redirectOutput(nothing)
            .redirectError(errors.toFile());
    builder.environment().putAll(environment);
    Process process = RuncCommand.start(builder);
    try {
      Member member = Member.of((int) process.pid());
      Files.writeString(file(folder), member.pid() + " " + member.startTime());
      return new RuncProcess(member, errors, process);
    } catch (NoSuchFileException e) {
      // It has ended, and is looked at no more by its number.
      return new RuncProcess(new Member((int) process.pid(), 0), errors, process);
    } catch (IOException e) {
      process.destroyForcibly();
      throw e;
    }
  }

  /** One that an earlier agent started; empty if it started none. It may have ended. */
  static Optional<RuncProcess> attach(Path folder) throws IOException {
    String text;
    try {
      text = Files.readString(file(folder));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    String[] words = text.split(" ", -1);
    try {
      Member member = new Member(Integer.parseInt(words[0]), Long.parseLong(words[1]));
      return Optional.of(new RuncProcess(member, folder.resolve("runc.err"), null));
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
      throw new IOException(file(folder) + " names no process but \"" + text + "\"", e);
    }
  }

  boolean isAlive() {
    try {
      return process == null ? member.isAlive() : process.isAlive();
    } catch (IOException e) {
      return false;
    }
  }

  /** Waits for its end; false if it does not come in time. */
  boolean awaitEnd(Duration limit) throws InterruptedException {
    if (process != null) {
      return process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS);
    }
    long end = System.nanoTime() + limit.toNanos();
    while (isAlive() && System.nanoTime() < end) {
      LockSupport.parkNanos(LOOK.toNanos());
    }
    return !isAlive();
  }

  /** 0 also if it cannot be known. */
  int exitStatus() {
    return process == null ? 0 : process.exitValue();
  }

  /** Kills it and all below it: its stand-in for CRIU, and hooks. Again does nothing. */
  void kill() throws IOException {
    new ProcessFamily(List.of(member)).kill(KILLED);
  }

  /** RUNTIME_FAILED with its words. */
  LongshoreException failed(String what) {
    return failed(what, null);
  }

  /** RUNTIME_FAILED with its words, or else those of what was noticed of it. */
  LongshoreException failed(String what, @Nullable Throwable noticed) {
    String words;
    try {
      // Its words come after it has closed the connection.
      boolean ended = awaitEnd(Duration.ofSeconds(2));
      words = RuncCommand.words(Files.readString(errors));
      if (words.isEmpty()) {
        words = ended ? "it said nothing" : "it goes on";
      }
    } catch (IOException e) {
      words = "its words cannot be read, " + e;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      words = "its words were not waited for";
    }
    String also = noticed == null ? "" : " (" + noticed.getMessage() + ")";
    return new LongshoreException(
        Reason.RUNTIME_FAILED, "\"runc %s\" failed: %s%s".formatted(what, words, also), noticed);
  }

  private static Path file(Path folder) {
    return folder.resolve("runc");
  }
}
