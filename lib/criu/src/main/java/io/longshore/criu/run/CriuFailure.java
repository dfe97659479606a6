package io.longshore.criu.run;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

/** CRIU did not do what it was started for. */
public final class CriuFailure extends IOException {

  private final String action;
  private final OptionalInt exitStatus;
  private final transient List<String> logLines;
  private final transient Path log;

  CriuFailure(String action, String what, OptionalInt exitStatus, List<String> logLines, Path log) {
    super(message(action, what, exitStatus, logLines, log));
    this.action = action;
    this.exitStatus = exitStatus;
    this.logLines = List.copyOf(logLines);
    this.log = log;
  }

  /** What CRIU was to do: {@code dump}, {@code restore}, {@code lazy-pages}. */
  public String action() {
    return action;
  }

  /** How it ended, 128 and the signal if it was killed; empty if it had not ended by itself. */
  public OptionalInt exitStatus() {
    return exitStatus;
  }

  /** The telling lines of its log, in order; at most {@value CriuLog#MAX_LINES}. */
  public List<String> logLines() {
    return logLines;
  }

  /** Where the whole log is. */
  public Path log() {
    return log;
  }

  private static String message(
      String action, String what, OptionalInt exitStatus, List<String> logLines, Path log) {
    StringBuilder message = new StringBuilder("criu ").append(action).append(' ').append(what);
    exitStatus.ifPresent(status -> message.append(", exit status ").append(status));
    logLines.stream()
        .filter(line -> line.contains("Error ("))
        .findFirst()
        .or(() -> logLines.stream().findFirst())
        .ifPresent(line -> message.append(": ").append(line.strip()));
    return message.append("; log: ").append(log).toString();
  }
}
