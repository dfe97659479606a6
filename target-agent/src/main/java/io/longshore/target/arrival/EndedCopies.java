package io.longshore.target.arrival;

import io.longshore.agent.migration.MigrationRef;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What became of migrations whose folders are gone, or are being removed: a line for each in one
 * file of the work folder. So the next agent gives the same answer to an order that is repeated.
 */
final class EndedCopies {
  private static final String FILE = "ended";

  /** As the lines of more than are under way at once. */
  private static final int REMEMBERED = 1000;

  /**
   * The file is in memory, and an agent runs for months. Far more lines than are remembered fit.
   */
  private static final long MOST_BYTES = 256 << 10;

  private static final String LINE = "([a-z0-9][a-z0-9-]{0,63}) ([0-9]{1,18}) (COMPLETE|ABORTED)";

  private EndedCopies() {}

  /**
   * How a migration ended.
   *
   * @param complete whether it runs here and has every page; else it never will run here
   */
  record Ended(MigrationRef ref, boolean complete) {}

  /** Writes one down, before its folder is removed. */
  static synchronized void note(Path workFolder, Ended ended) throws IOException {
    Path file = workFolder.resolve(FILE);
    Files.writeString(
        file,
        line(ended),
        StandardCharsets.US_ASCII,
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
    if (Files.size(file) > MOST_BYTES) {
      var _ = takeUp(workFolder);
    }
  }

  private static String line(Ended ended) {
    return "%s %d %s\n"
        .formatted(
            ended.ref().id(), ended.ref().epoch(), ended.complete() ? "COMPLETE" : "ABORTED");
  }

  /** All that are remembered, by migration; the oldest are forgotten. */
  static synchronized Map<String, Ended> takeUp(Path workFolder) throws IOException {
    Path file = workFolder.resolve(FILE);
    List<String> lines;
    try {
      lines = Files.readAllLines(file, StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      return Map.of();
    }
    Map<String, Ended> found = new LinkedHashMap<>();
    for (String line : lines.subList(Math.max(0, lines.size() - REMEMBERED), lines.size())) {
      parse(line).ifPresent(ended -> found.put(ended.ref().id(), ended));
    }
    if (lines.size() > REMEMBERED) {
      Path shorter = workFolder.resolve(FILE + ".new");
      Files.writeString(
          shorter,
          found.values().stream().map(EndedCopies::line).collect(Collectors.joining()),
          StandardCharsets.US_ASCII);
      Files.move(shorter, file, StandardCopyOption.ATOMIC_MOVE);
    }
    return found;
  }

  private static Optional<Ended> parse(String line) {
    // One that was cut off by the end of the agent says nothing.
    if (!line.matches(LINE)) {
      return Optional.empty();
    }
    String[] words = line.split(" ", -1);
    return Optional.of(
        new Ended(
            new MigrationRef(words[0], Long.parseLong(words[1])), words[2].equals("COMPLETE")));
  }
}
