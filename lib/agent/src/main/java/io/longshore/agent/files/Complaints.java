package io.longshore.agent.files;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * What a program writes to its standard error: the first lines that matter, each cut to a length
 * that fits a message. A program may write without end, and of names that a hostile workload chose.
 */
public final class Complaints {
  private static final int MOST_LINES = 12;
  private static final int MOST_CHARACTERS = 300;

  private final List<String> lines = new ArrayList<>();
  private final Thread reader;

  /**
   * Begins to read.
   *
   * @param matters which lines are kept
   */
  public Complaints(InputStream errors, Predicate<String> matters) {
    reader = Thread.ofPlatform().daemon().name("complaints").start(() -> read(errors, matters));
  }

  private void read(InputStream errors, Predicate<String> matters) {
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(errors, StandardCharsets.ISO_8859_1))) {
      StringBuilder line = new StringBuilder();
      for (int next = in.read(); next >= 0; next = in.read()) {
        if (next != '\n') {
          // A line is foreign too: it may be of any length.
          if (line.length() < MOST_CHARACTERS) {
            line.append(next < ' ' || next > '~' ? '?' : (char) next);
          }
          continue;
        }
        keep(line.toString(), matters);
        line.setLength(0);
      }
      keep(line.toString(), matters);
    } catch (IOException e) {
      // It is gone, and what it said before is here.
    }
  }

  private synchronized void keep(String line, Predicate<String> matters) {
    if (!line.isBlank() && lines.size() < MOST_LINES && matters.test(line)) {
      lines.add(line);
    }
  }

  /** All, when the program and its children have ended. */
  public List<String> await() throws InterruptedException {
    reader.join();
    synchronized (this) {
      return List.copyOf(lines);
    }
  }
}
