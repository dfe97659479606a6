package io.longshore.coordinator.agent;

import java.util.List;

/** A call to an agent failed. */
public final class AgentException extends Exception {
  private static final long serialVersionUID = 1;

  /** What a failure says about the agent. */
  public enum Kind {
    /**
     * The agent could not be reached, or cannot serve now: whether the call had an effect is not
     * known. Ask again.
     */
    UNREACHABLE,
    /** The agent did not answer in time: whether the call had an effect is not known. */
    TIMED_OUT,
    /** The agent answered that it will not or cannot. */
    REFUSED
  }

  private final Kind kind;
  private final String reason;
  private final List<String> criuLog;

  public AgentException(
      Kind kind, String reason, String message, List<String> criuLog, Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.reason = reason;
    this.criuLog = List.copyOf(criuLog);
  }

  public Kind kind() {
    return kind;
  }

  /** A stable word, one of docs/errors.md: the agent's own if it gave one. */
  public String reason() {
    return reason;
  }

  /** What was tried, what was found, what to do. */
  public String message() {
    String message = getMessage();
    return message == null ? reason : message;
  }

  /** CRIU's own telling log lines, where CRIU failed. */
  public List<String> criuLog() {
    return criuLog;
  }
}
