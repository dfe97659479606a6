package io.longshore.agent.runc;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.longshore.agent.runc.RuncCommand.Result;
import io.longshore.agent.runc.RuncContainer.Status;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The program runc. Each method runs it once, for a minute at most.
 *
 * <p>What it refuses or fails at is a {@link LongshoreException} RUNTIME_FAILED with its own words;
 * an answer that cannot be understood is RUNTIME_INCOMPATIBLE, and RUNTIME_MISSING says that it
 * cannot be run.
 *
 * @param program absolute path
 * @param root the folder in which it keeps what it knows of its containers
 */
public record Runc(Path program, Path root) {
  /** Where runc has its containers unless it is told otherwise. */
  public static final Path USUAL_ROOT = Path.of("/run/runc");

  private static final Duration LIMIT = Duration.ofMinutes(1);

  /** As runc allows; one that begins with a dash would be taken for an option. */
  private static final Pattern ID = Pattern.compile("[\\w+.][\\w+.-]{0,1023}");

  /** Refuses relative paths: it is started in other folders. */
  public Runc {
    if (!program.isAbsolute() || !root.isAbsolute()) {
      throw new IllegalArgumentException(
          "the paths of runc and its folder must be absolute: %s, %s".formatted(program, root));
    }
  }

  /** The one that is on the path of this process, with its usual folder; empty if there is none. */
  public static Optional<Runc> find() {
    String path = Objects.requireNonNullElse(System.getenv("PATH"), "");
    return Stream.concat(
            Stream.of(path.split(File.pathSeparator, -1)), Stream.of("/usr/sbin", "/usr/bin"))
        .map(folder -> Path.of(folder).resolve("runc"))
        .filter(program -> program.isAbsolute() && Files.isExecutable(program))
        .findFirst()
        .map(program -> new Runc(program, USUAL_ROOT));
  }

  /** What it says it is, such as 1.1.5. */
  public String version() throws IOException, InterruptedException {
    String output = require(List.of("--version"));
    return output
        .lines()
        .filter(line -> line.startsWith("runc version "))
        .map(line -> line.substring("runc version ".length()).strip())
        .findFirst()
        .orElseThrow(() -> unknown("--version", output, "it names no version"));
  }

  /** All containers that it has. */
  public List<RuncContainer> list() throws IOException, InterruptedException {
    String output = require(List.of("list", "--format", "json"));
    try {
      List<RuncContainer> found = new ArrayList<>();
      for (JsonElement each : Json.array(Json.parse(output), "the list")) {
        found.add(container(Json.object(each, "a container")));
      }
      return List.copyOf(found);
    } catch (IllegalArgumentException e) {
      throw unknown("list", output, String.valueOf(e.getMessage()));
    }
  }

  /** One container; empty if it has none of that name. */
  public Optional<RuncContainer> state(String id) throws IOException, InterruptedException {
    Result result = run(List.of("state", checked(id)));
    if (result.exitStatus() != 0) {
      if (result.words().contains("does not exist")) {
        return Optional.empty();
      }
      throw failed(List.of("state", id), result);
    }
    try {
      return Optional.of(container(Json.object(Json.parse(result.output()), "the state")));
    } catch (IllegalArgumentException e) {
      throw unknown("state", result.output(), String.valueOf(e.getMessage()));
    }
  }

  /**
   * Sends a signal to a container's first process.
   *
   * @param signal by its name, without SIG
   */
  public void kill(String id, String signal) throws IOException, InterruptedException {
    require(List.of("kill", checked(id), signal));
  }

  /** Removes a container that has ended. */
  public void delete(String id) throws IOException, InterruptedException {
    require(List.of("delete", checked(id)));
  }

  /** Kills a container and removes it; none is no error. */
  public void deleteForcibly(String id) throws IOException, InterruptedException {
    require(List.of("delete", "--force", checked(id)));
  }

  /** Freezes a container. While it is frozen nothing can be executed in it. */
  public void pause(String id) throws IOException, InterruptedException {
    require(List.of("pause", checked(id)));
  }

  /** Thaws a container. */
  public void resume(String id) throws IOException, InterruptedException {
    require(List.of("resume", checked(id)));
  }

  /**
   * Runs a program in a container to its end.
   *
   * @return what it printed
   */
  public String exec(String id, List<String> command) throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>(List.of("exec", checked(id)));
    arguments.addAll(command);
    return require(arguments);
  }

  /** What runc knows of a container. It is there from when one begins to be made. */
  public Path stateFolder(String id) {
    return root.resolve(checked(id));
  }

  /** The whole command line. */
  List<String> command(List<String> arguments) {
    List<String> command = new ArrayList<>(List.of(program.toString(), "--root", root.toString()));
    command.addAll(arguments);
    return command;
  }

  /**
   * The same.
   *
   * @throws LongshoreException INVALID_ARGUMENT if no container can have that name
   */
  static String checked(String id) {
    if (!ID.matcher(id).matches() || id.equals(".") || id.equals("..")) {
      throw new LongshoreException(
          Reason.INVALID_ARGUMENT,
          "no container of runc can be named \"%s\": it takes letters, digits and _ + . - , not - at the front"
              .formatted(id));
    }
    return id;
  }

  private Result run(List<String> arguments) throws IOException, InterruptedException {
    return RuncCommand.run(command(arguments), LIMIT);
  }

  private String require(List<String> arguments) throws IOException, InterruptedException {
    Result result = run(arguments);
    if (result.exitStatus() != 0) {
      throw failed(arguments, result);
    }
    return result.output();
  }

  private static LongshoreException failed(List<String> arguments, Result result) {
    return new LongshoreException(
        Reason.RUNTIME_FAILED,
        "\"runc %s\" failed with status %d: %s"
            .formatted(String.join(" ", arguments), result.exitStatus(), result.words()));
  }

  private static LongshoreException unknown(String command, String output, String why) {
    String shortened = output.length() <= 200 ? output : output.substring(0, 200) + "...";
    return new LongshoreException(
        Reason.RUNTIME_INCOMPATIBLE,
        "the answer of \"runc %s\" cannot be understood, %s: %s"
            .formatted(command, why, shortened.strip()));
  }

  private static RuncContainer container(JsonObject state) {
    String status = Json.text(state, "status").orElse("");
    return new RuncContainer(
        Json.text(state, "id").orElseThrow(() -> new IllegalArgumentException("it has no id")),
        Json.number(state, "pid"),
        Stream.of(Status.values())
            .filter(known -> known.name().toLowerCase(Locale.ROOT).equals(status))
            .findFirst()
            .orElseThrow(
                () -> new IllegalArgumentException("the status \"" + status + "\" is not known")),
        Path.of(Json.text(state, "bundle").orElse("/")));
  }
}
