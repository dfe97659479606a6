package io.longshore.agent.network;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Programs of the operator's for networks that are not built in, in the manner of CNI: run with the
 * step as their only argument and the container's facts as JSON on standard input. Each must bear
 * to be run again for the same step, and for {@code rollback} and {@code release} without the steps
 * before.
 *
 * <p>Only programs in the folder that the agent is configured with are run; from elsewhere comes
 * but a file's name.
 */
public final class NetworkHooks {
  private static final Logger log = LoggerFactory.getLogger(NetworkHooks.class);
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,63}");
  private static final int TELLING_LINES = 10;
  private static final long MOST_OUTPUT = 64 << 10;
  private static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  private final Path folder;
  private final Duration limit;

  /**
   * @param folder the agent's configuration names
   * @param limit of one run
   */
  public NetworkHooks(Path folder, Duration limit) {
    this.folder = folder;
    this.limit = limit;
  }

  /** Why a hook could not be run on this node; empty if it could. For the plan. */
  public Optional<Problem> problem(String hook) {
    if (!NAME.matcher(hook).matches()) {
      return Optional.of(
          new Problem(
              Reason.NETWORK_NOT_AVAILABLE,
              "expected the name of a network hook, found '%s'".formatted(hook)));
    }
    Path program = folder.resolve(hook);
    String found;
    try {
      if (!Files.isRegularFile(program)) {
        found = "there is no such file";
      } else if (!Files.isExecutable(program)) {
        found = "it is not executable";
      } else if (writableByOthers(folder) || writableByOthers(program)) {
        found = "it or its folder can be written by others than its owner";
      } else {
        return Optional.empty();
      }
    } catch (IOException e) {
      found = e.getMessage();
    }
    return Optional.of(
        new Problem(
            Reason.NETWORK_NOT_AVAILABLE,
            "the network hook %s cannot be run: %s".formatted(program, found)));
  }

  /**
   * Runs a hook and waits for its end.
   *
   * @param hook its file's name
   * @param scratch a folder of the migration's; nothing stays in it
   * @throws LongshoreException before the step: it failed, with its last lines, or did not end in
   *     time and was ended
   * @return after the step, what went wrong, which is logged; empty if nothing did
   */
  public Optional<Problem> run(
      String hook, NetworkHookStep step, NetworkHookFacts facts, Path scratch)
      throws InterruptedException {
    Optional<Problem> failure = problem(hook);
    if (failure.isEmpty()) {
      failure =
          execute(folder.resolve(hook), step, facts, scratch)
              .map(
                  what ->
                      new Problem(
                          Reason.NETWORK_HOOK_FAILED,
                          "the network hook %s %s on the %s %s"
                              .formatted(
                                  hook,
                                  step.word(),
                                  facts.side().name().toLowerCase(java.util.Locale.ROOT),
                                  what)));
    }
    if (failure.isPresent()) {
      if (step.isBeforeTheStep()) {
        throw LongshoreException.of(List.of(failure.get()));
      }
      log.warn("{}: {}; nothing is undone for it", facts.migration(), failure.get().message());
    }
    return failure;
  }

  /** What went wrong, if anything did. */
  private Optional<String> execute(
      Path program, NetworkHookStep step, NetworkHookFacts facts, Path scratch)
      throws InterruptedException {
    // Files, not pipes: a program that it leaves behind may hold a pipe open for ever.
    Path input = scratch.resolve("hook-" + step.word() + ".json");
    Path output = scratch.resolve("hook-" + step.word() + ".out");
    try {
      Files.writeString(input, facts.json(step));
      ProcessBuilder builder =
          new ProcessBuilder(program.toString(), step.word())
              .directory(new File("/"))
              .redirectInput(input.toFile())
              .redirectErrorStream(true)
              .redirectOutput(output.toFile());
      Map<String, String> environment = builder.environment();
      environment.clear();
      environment.put("PATH", PATH);
      Process process = builder.start();
      boolean ended = false;
      try {
        ended = process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS);
      } finally {
        if (!ended) {
          process.descendants().forEach(ProcessHandle::destroyForcibly);
          process.destroyForcibly();
        }
      }
      if (!ended) {
        return Optional.of(
            "did not end within %s and was ended%s".formatted(limit, telling(output)));
      }
      return process.exitValue() == 0
          ? Optional.empty()
          : Optional.of("ended with %d%s".formatted(process.exitValue(), telling(output)));
    } catch (IOException e) {
      return Optional.of("could not be run: " + e.getMessage());
    } finally {
      remove(input);
      remove(output);
    }
  }

  private static String telling(Path output) throws IOException {
    byte[] bytes;
    try (var file = new java.io.RandomAccessFile(output.toFile(), "r")) {
      long length = Math.min(file.length(), MOST_OUTPUT);
      file.seek(file.length() - length);
      bytes = new byte[(int) length];
      file.readFully(bytes);
    }
    List<String> lines =
        new String(bytes, java.nio.charset.StandardCharsets.UTF_8)
            .lines()
            .map(String::strip)
            .filter(line -> !line.isEmpty())
            .toList();
    return lines.isEmpty()
        ? ""
        : ": "
            + String.join(
                "; ", lines.subList(Math.max(0, lines.size() - TELLING_LINES), lines.size()));
  }

  private static boolean writableByOthers(Path path) throws IOException {
    Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(path);
    return permissions.contains(PosixFilePermission.GROUP_WRITE)
        || permissions.contains(PosixFilePermission.OTHERS_WRITE);
  }

  private static void remove(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      log.warn("{} is left in the migration's folder, and goes with it", file, e);
    }
  }
}
