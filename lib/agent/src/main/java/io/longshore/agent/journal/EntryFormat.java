package io.longshore.agent.journal;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.platform.error.LongshoreException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * An entry as text: a first line with the version of the format and the CRC32C of all that follows,
 * then a line for each value. People can read it.
 */
final class EntryFormat {
  private static final String NAME = "longshore-journal";
  private static final int VERSION = 1;

  private EntryFormat() {}

  static byte[] encode(JournalEntry entry) {
    StringBuilder body = new StringBuilder();
    line(body, "migration", entry.ref().id());
    line(body, "epoch", Long.toString(entry.ref().epoch()));
    line(body, "phase", entry.phase());
    for (Map.Entry<String, String> value : entry.values().entrySet()) {
      line(body, "value." + value.getKey(), value.getValue());
    }
    String text = body.toString();
    return "%s %d %s\n%s"
        .formatted(NAME, VERSION, checksum(text), text)
        .getBytes(StandardCharsets.UTF_8);
  }

  static JournalEntry decode(byte[] bytes) throws JournalFormatException {
    String text = new String(bytes, StandardCharsets.UTF_8);
    int end = text.indexOf('\n');
    List<String> head = end < 0 ? List.of() : List.of(text.substring(0, end).split(" ", -1));
    if (head.size() != 3 || !head.getFirst().equals(NAME)) {
      throw new JournalFormatException("it does not begin as a journal does");
    }
    if (!head.get(1).equals(Integer.toString(VERSION))) {
      throw new JournalFormatException(
          "it has version %s of the format; this agent knows version %d"
              .formatted(head.get(1), VERSION));
    }
    String body = text.substring(end + 1);
    if (!head.get(2).equals(checksum(body))) {
      throw new JournalFormatException("its checksum is wrong");
    }
    return entry(body);
  }

  private static JournalEntry entry(String body) throws JournalFormatException {
    Map<String, String> lines = new TreeMap<>();
    for (String line : body.lines().toList()) {
      int gap = line.indexOf(' ');
      if (gap < 0) {
        throw new JournalFormatException("it has a line without a value: " + line);
      }
      lines.put(line.substring(0, gap), unescape(line.substring(gap + 1)));
    }
    try {
      MigrationRef ref =
          new MigrationRef(
              lines.getOrDefault("migration", ""), Long.parseLong(lines.getOrDefault("epoch", "")));
      TreeMap<String, String> values = new TreeMap<>();
      lines.forEach(
          (name, value) -> {
            if (name.startsWith("value.")) {
              values.put(name.substring("value.".length()), value);
            }
          });
      return new JournalEntry(ref, lines.getOrDefault("phase", ""), values);
    } catch (IllegalArgumentException | LongshoreException e) {
      throw new JournalFormatException("it has a value that cannot be: " + e.getMessage(), e);
    }
  }

  private static void line(StringBuilder body, String name, String value) {
    body.append(name)
        .append(' ')
        .append(value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r"))
        .append('\n');
  }

  private static String unescape(String text) {
    StringBuilder plain = new StringBuilder(text.length());
    for (int at = 0; at < text.length(); at++) {
      char c = text.charAt(at);
      if (c == '\\' && at + 1 < text.length()) {
        at++;
        switch (text.charAt(at)) {
          case 'n' -> plain.append('\n');
          case 'r' -> plain.append('\r');
          default -> plain.append(text.charAt(at));
        }
      } else {
        plain.append(c);
      }
    }
    return plain.toString();
  }

  private static String checksum(String body) {
    CRC32C checksum = new CRC32C();
    checksum.update(body.getBytes(StandardCharsets.UTF_8));
    return "%08x".formatted((int) checksum.getValue());
  }
}
