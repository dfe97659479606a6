package io.longshore.acceptance.testbed;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The processes of a host, seen from the machine: at once, without a command on the host. */
final class HostProcesses {
  private static final Pattern OWN_PID = Pattern.compile("(?m)^NSpid:(?:\\t\\d+)+\\t(\\d+)$");

  private HostProcesses() {}

  /**
   * One of them.
   *
   * @param pid on its host
   * @param command with spaces between its words
   */
  record One(ProcessHandle handle, int pid, String command) {
    /** SIGKILL. */
    void kill() {
      handle.destroyForcibly();
    }

    /** As kill(1). */
    void signal(String name) throws IOException, InterruptedException {
      new ProcessBuilder("kill", "-" + name, Long.toString(handle.pid()))
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor();
    }
  }

  /** All but those that have ended and are not reaped. */
  static List<One> of(Testbed testbed, String host) {
    // What an agent does with a workload's cgroups is below that of the host.
    Pattern cgroup = Pattern.compile(":/" + testbed.name() + "/" + host + "(/.*)?\n");
    List<One> found = new ArrayList<>();
    ProcessHandle.allProcesses()
        .forEach(
            handle -> {
              Path folder = Path.of("/proc", Long.toString(handle.pid()));
              try {
                if (cgroup.matcher(Files.readString(folder.resolve("cgroup"))).find()) {
                  one(handle, folder).ifPresent(found::add);
                }
              } catch (IOException e) {
                // It has ended meanwhile.
              }
            });
    return found;
  }

  private static Optional<One> one(ProcessHandle handle, Path folder) throws IOException {
    String status = Files.readString(folder.resolve("status"));
    Matcher pid = OWN_PID.matcher(status);
    String command =
        new String(Files.readAllBytes(folder.resolve("cmdline")), StandardCharsets.UTF_8)
            .replace('\0', ' ')
            .strip();
    return command.isEmpty() || !pid.find()
        ? Optional.empty()
        : Optional.of(new One(handle, Integer.parseInt(pid.group(1)), command));
  }

  /** The first of a host whose command contains all the words: a parent before its children. */
  static Optional<One> find(Testbed testbed, String host, String... words) {
    return of(testbed, host).stream()
        .filter(one -> Stream.of(words).allMatch(one.command()::contains))
        .min((one, other) -> Integer.compare(one.pid(), other.pid()));
  }
}
