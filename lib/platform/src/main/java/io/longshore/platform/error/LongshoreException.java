package io.longshore.platform.error;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Something was refused or failed for a reason that callers may know. The message says what was
 * tried, what was found and what to do. Everything else that is thrown is a defect and hidden from
 * callers.
 *
 * <p>Immutable; the {@code with} methods return a copy with the same cause and stack trace.
 */
public final class LongshoreException extends RuntimeException {
  // Not transient data: exceptions are never serialised here.
  private final transient List<Problem> problems;
  private final transient List<String> criuLog;

  /** One problem. */
  public LongshoreException(Reason reason, String message) {
    this(List.of(new Problem(reason, message)), List.of(), null);
  }

  /** One problem with what caused it. */
  public LongshoreException(Reason reason, String message, @Nullable Throwable cause) {
    this(List.of(new Problem(reason, message)), List.of(), cause);
  }

  /**
   * Everything that is known.
   *
   * @param problems at least one; the first gives {@link #reason()} and the status
   * @param criuLog CRIU's own telling lines, oldest first
   */
  public LongshoreException(
      List<Problem> problems, List<String> criuLog, @Nullable Throwable cause) {
    super(messageOf(problems), cause);
    this.problems = List.copyOf(problems);
    this.criuLog = List.copyOf(criuLog);
  }

  /** Several problems found at once, such as the obstacles of a plan. At least one. */
  public static LongshoreException of(List<Problem> problems) {
    return new LongshoreException(problems, List.of(), null);
  }

  /** The same with CRIU's own telling lines, oldest first. */
  public LongshoreException withCriuLog(List<String> lines) {
    return copy(problems, lines);
  }

  /**
   * The same with one more name and value for programs on its first problem; key in lowerCamelCase.
   */
  public LongshoreException with(String key, String value) {
    Problem first = problems.getFirst();
    Map<String, String> metadata = new java.util.HashMap<>(first.metadata());
    metadata.put(key, value);
    List<Problem> changed = new java.util.ArrayList<>(problems);
    changed.set(0, new Problem(first.reason(), first.message(), metadata));
    return copy(changed, criuLog);
  }

  /** The reason of the first problem. */
  public Reason reason() {
    return problems.getFirst().reason();
  }

  /** All problems, at least one. */
  public List<Problem> problems() {
    return problems;
  }

  /** Names and values for programs of the first problem. */
  public Map<String, String> metadata() {
    return problems.getFirst().metadata();
  }

  /** CRIU's own telling lines, oldest first; empty if CRIU is not concerned. */
  public List<String> criuLog() {
    return criuLog;
  }

  private LongshoreException copy(List<Problem> newProblems, List<String> newCriuLog) {
    LongshoreException copy = new LongshoreException(newProblems, newCriuLog, getCause());
    copy.setStackTrace(getStackTrace());
    return copy;
  }

  private static String messageOf(List<Problem> problems) {
    if (problems.isEmpty()) {
      throw new IllegalArgumentException("an exception needs at least one problem");
    }
    return String.join("; ", problems.stream().map(Problem::message).toList());
  }
}
