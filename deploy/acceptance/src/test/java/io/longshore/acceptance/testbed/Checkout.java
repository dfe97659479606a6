package io.longshore.acceptance.testbed;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** The checkout under test and the tools that deploy/setup installed. */
final class Checkout {
  private static final Path ROOT = Path.of(System.getProperty("longshore.checkout", "../.."));
  private static final Map<String, String> TOOLS = readTools();

  private Checkout() {}

  static Path path(String relative) {
    return ROOT.resolve(relative).toAbsolutePath().normalize();
  }

  /** What deploy/env sets: JAVA_HOME, LONGSHORE_CRIU and others. */
  static String tool(String variable) {
    return Objects.requireNonNull(
        TOOLS.get(variable), variable + " is not set: run deploy/setup --for-tests");
  }

  /** One of each release that is supported. */
  static List<String> allCrius() {
    return List.of(tool("LONGSHORE_CRIU_4_1"), tool("LONGSHORE_CRIU_4_2"));
  }

  /** The path of a workload. */
  static String workload(String name) {
    return Workloads.FOLDER + "/" + name;
  }

  /** Compiled once. */
  private static final class Workloads {
    static final String FOLDER =
        Command.of(List.of(path("deploy/workloads/build").toString()))
            .run()
            .expectSuccess()
            .strip();

    private Workloads() {}
  }

  private static Map<String, String> readTools() {
    String variables =
        Command.of(List.of("bash", "-c", ". \"$1\" && env -0", "-", path("deploy/env").toString()))
            .run()
            .expectSuccess();
    return Arrays.stream(variables.split("\0"))
        .filter(line -> line.contains("="))
        .collect(
            Collectors.toMap(
                line -> line.substring(0, line.indexOf('=')),
                line -> line.substring(line.indexOf('=') + 1),
                (first, second) -> second));
  }
}
