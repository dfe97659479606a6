package io.longshore.criu.run;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A running CRIU in a session of its own, so that a terminal's signals to the agent do not reach
 * it. It outlives the agent, but not if the agent ends before CRIU said that it is ready: then its
 * status cannot be written and it fails.
 */
final class CriuProcess {

  /** Of a CRIU that is no child of this agent. */
  static final int UNKNOWN_STATUS = -1;

  /** Behind the action, always. */
  static final String FIRST_OPTION = "--no-default-config";

  private static final Duration GRACE = Duration.ofSeconds(1);

  // A session of its own, so that a terminal's signals to the agent do not reach CRIU.
  private static final List<String> SESSION = List.of("setsid", "--");

  // Constant: data only ever comes in as arguments. The pipe must not stay CRIU's standard output,
  // because CRIU closes the
  // status descriptor and would print into whatever gets its number next.
  private static final List<String> SESSION_WITH_STATUS =
      List.of("/bin/sh", "-c", "exec setsid -- \"$@\" 3>&1 >&2", "criu");

  private final String action;
  private final Path log;
  private final Path errors;
  private final ProcessHandle process;
  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private final CompletableFuture<Integer> exit;

  private CriuProcess(
      String action, Path work, ProcessHandle process, CompletableFuture<Integer> exit) {
    this.action = action;
    this.log = log(work, action);
    this.errors = errors(work, action);
    this.process = process;
    this.exit = exit;
  }

  private CriuProcess(String action, Path work, Process process) {
    this(action, work, process.toHandle(), process.onExit().thenApply(Process::exitValue));
  }

  /**
   * A CRIU that an earlier agent started. How it exits cannot be known: its status is {@link
   * #UNKNOWN_STATUS}.
   */
  static CriuProcess attach(String action, Path work, CriuTask running) {
    CompletableFuture<Integer> exit = new CompletableFuture<>();
    // A platform thread, because it waits inside a system call.
    Thread.ofPlatform()
        .daemon()
        .name("criu-" + action)
        .start(
            () -> {
              try {
                running.awaitExit();
                exit.complete(UNKNOWN_STATUS);
              } catch (IOException failure) {
                exit.completeExceptionally(failure);
              }
            });
    return new CriuProcess(action, work, running.handle(), exit);
  }

  /** Starts a CRIU that says when it is ready: {@link #awaitReady}. */
  static CriuProcess startWithStatus(
      Criu criu, String action, Path work, List<String> arguments, Map<String, String> environment)
      throws IOException {
    ProcessBuilder builder = builder(SESSION_WITH_STATUS, criu, action, work);
    builder.environment().putAll(environment);
    builder.command().addAll(List.of("--status-fd", "3"));
    builder.command().addAll(arguments);
    Process process = builder.start();
    CriuProcess started = new CriuProcess(action, work, process);
    Thread.ofVirtual().name("criu-" + action).start(() -> started.readStatus(process));
    return started;
  }

  /**
   * Starts a CRIU that only ends.
   *
   * @param launcher as {@link RestorePlace#launcher}
   */
  static CriuProcess start(
      List<String> launcher, Criu criu, String action, Path work, List<String> arguments)
      throws IOException {
    List<String> session = new ArrayList<>(SESSION);
    session.addAll(launcher);
    ProcessBuilder builder = builder(session, criu, action, work);
    builder.redirectOutput(ProcessBuilder.Redirect.to(new File("/dev/null")));
    builder.command().addAll(arguments);
    CriuProcess started = new CriuProcess(action, work, builder.start());
    started.ready.completeExceptionally(new IllegalStateException(action + " has no status"));
    return started;
  }

  private static ProcessBuilder builder(
      List<String> launcher, Criu criu, String action, Path work) {
    List<String> command = new ArrayList<>(launcher);
    command.add(criu.executable().toString());
    command.add(action);
    command.add(FIRST_OPTION);
    command.addAll(List.of("--work-dir", work.toString()));
    command.addAll(List.of("--log-file", log(work, action).toString()));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectInput(new File("/dev/null"))
            .redirectError(errors(work, action).toFile());
    // It names another file of options.
    builder.environment().remove("CRIU_CONFIG_FILE");
    return builder;
  }

  CompletableFuture<Integer> exit() {
    return exit.copy();
  }

  int pid() {
    return (int) process.pid();
  }

  /** Waits until CRIU says that it is ready; kills it if that takes too long. */
  void awaitReady(Duration timeout) throws IOException, InterruptedException {
    await(ready, timeout, "was not ready");
  }

  /**
   * Waits for a moment in CRIU's life; kills it if that takes too long, and fails if CRIU ends
   * before.
   */
  <T> T await(CompletableFuture<T> moment, Duration timeout, String otherwise)
      throws IOException, InterruptedException {
    try {
      return moment.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException failure) {
      // CRIU closes its status a moment before it exits, and its exit status tells more than a kill
      // would leave of it.
      if (awaitExit(GRACE).isEmpty()) {
        kill();
      }
      CriuFailure failed = failed(otherwise);
      failed.initCause(failure.getCause());
      throw failed;
    } catch (TimeoutException _) {
      kill();
      throw new CriuFailure(
          action,
          "%s within %d ms and was killed".formatted(otherwise, timeout.toMillis()),
          OptionalInt.empty(),
          tellingLines(),
          log);
    }
  }

  /** Waits for the end; empty if it does not come in time. Kills nothing. */
  Optional<Integer> awaitExit(Duration timeout) throws InterruptedException {
    try {
      return Optional.of(exit.get(timeout.toNanos(), TimeUnit.NANOSECONDS));
    } catch (TimeoutException _) {
      return Optional.empty();
    } catch (ExecutionException impossible) {
      throw new IllegalStateException("waiting for criu " + action + " failed", impossible);
    }
  }

  /** What to throw when CRIU failed, with its status if it has ended. */
  CriuFailure failed(String what) {
    OptionalInt status = exit.isDone() ? OptionalInt.of(exit.join()) : OptionalInt.empty();
    return new CriuFailure(action, what, status, tellingLines(), log);
  }

  /**
   * Kills CRIU and every process below it: action scripts, and what a restore has restored so far.
   * First all are stopped, so that none can fork while they are being found. Returns when CRIU is
   * dead.
   */
  void kill() throws IOException {
    Set<ProcessHandle> family = new LinkedHashSet<>();
    family.add(process);
    boolean grew = process.isAlive();
    while (grew) {
      grew = false;
      for (ProcessHandle member : List.copyOf(family)) {
        SystemCalls.signal(member.pid(), SystemCalls.SIGSTOP);
        grew |= family.addAll(member.children().toList());
      }
    }
    for (ProcessHandle member : family) {
      if (member.isAlive()) {
        SystemCalls.signal(member.pid(), SystemCalls.SIGKILL);
      }
    }
    exit.join();
  }

  private List<String> tellingLines() {
    List<String> lines = CriuLog.tellingLines(log);
    // Before CRIU has a log, and so do its loader and setsid, it prints to its standard error.
    return lines.isEmpty() ? CriuLog.firstLines(errors) : lines;
  }

  private void readStatus(Process process) {
    try (InputStream status = process.getInputStream()) {
      int first = status.read();
      if (first == 0) {
        ready.complete(null);
      } else {
        ready.completeExceptionally(
            new IOException(
                first < 0
                    ? "it closed its status without saying that it is ready"
                    : "it wrote " + first + " as its status"));
      }
    } catch (IOException failure) {
      ready.completeExceptionally(failure);
    }
  }

  static Path log(Path work, String action) {
    return work.resolve(action + ".log");
  }

  private static Path errors(Path work, String action) {
    return work.resolve(action + ".err");
  }

  /** Makes a folder absolute and checks that it is there. */
  static Path existing(Path folder) {
    Path absolute = folder.toAbsolutePath().normalize();
    if (!Files.isDirectory(absolute)) {
      throw new IllegalArgumentException("there is no folder " + absolute);
    }
    return absolute;
  }
}
