package io.longshore.criu.run;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Pattern;

/** Finds in CRIU's logs what tells why it failed. */
public final class CriuLog {

  /** Most lines that are ever returned. */
  public static final int MAX_LINES = 24;

  private static final int MAX_WARNINGS = 4;
  private static final int MAX_LINE_LENGTH = 400;

  // Between the time and the level may stand the pid, or "pie: " and the pid.
  private static final Pattern ERROR = Pattern.compile("\\bError \\(");
  private static final Pattern WARNING = Pattern.compile("\\bWarn +\\(");

  // Without CAP_SYS_RESOURCE CRIU cannot raise its limits, says so in every log, and goes on.
  private static final Pattern HARMLESS = Pattern.compile("Can't setup RLIMIT_NOFILE");

  private CriuLog() {}

  /**
   * The error lines, in order, each after the last warnings before it, with the task they are about
   * if CRIU wrote it. The first errors are kept rather than the last, which are consequences. Empty
   * if there is no log.
   */
  public static List<String> tellingLines(Path log) {
    List<String> telling = new ArrayList<>();
    Deque<String> warnings = new ArrayDeque<>();
    try (BufferedReader lines = open(log)) {
      for (String line = lines.readLine();
          line != null && telling.size() < MAX_LINES;
          line = lines.readLine()) {
        if (HARMLESS.matcher(line).find()) {
          continue;
        }
        if (ERROR.matcher(line).find()) {
          telling.addAll(warnings);
          warnings.clear();
          telling.add(shorten(line));
        } else if (WARNING.matcher(line).find()) {
          if (warnings.size() == MAX_WARNINGS) {
            warnings.removeFirst();
          }
          warnings.addLast(shorten(line));
        }
      }
    } catch (IOException _) {
      return List.of();
    }
    return List.copyOf(telling.subList(0, Math.min(telling.size(), MAX_LINES)));
  }

  /** The first lines, whatever they are. Empty if there is no file. */
  static List<String> firstLines(Path file) {
    try (BufferedReader lines = open(file)) {
      return lines.lines().limit(MAX_LINES).map(CriuLog::shorten).toList();
    } catch (IOException _) {
      return List.of();
    }
  }

  // Not Files.newBufferedReader: names of files and tasks in the log need not be valid UTF-8.
  private static BufferedReader open(Path file) throws IOException {
    return new BufferedReader(
        new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8));
  }

  private static String shorten(String line) {
    return line.length() <= MAX_LINE_LENGTH ? line : line.substring(0, MAX_LINE_LENGTH) + "...";
  }
}
