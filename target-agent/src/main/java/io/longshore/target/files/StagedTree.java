package io.longshore.target.files;

import io.longshore.agent.journal.JournalEntry;
import io.longshore.agent.journal.JournalFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What was, or is about to be, put on this host for one tree: enough to take it away again and
 * nothing else.
 *
 * @param number of the tree
 * @param path the destination
 * @param made folders that were not there, the destination the last of them; written down before
 *     they are made. Empty if the destination was there, empty
 * @param identity which folder the destination is: its device and inode. Empty until it was made
 * @param before what an empty folder that was there was like: mode, owner, group and time
 */
record StagedTree(
    int number, Path path, List<Path> made, Optional<String> identity, Optional<Before> before) {
  private static final String ATTRIBUTES = "unix:dev,ino";

  StagedTree {
    made = List.copyOf(made);
  }

  /** What is to be set again on a folder that was there. */
  record Before(int mode, int owner, int group, long seconds, long nanoseconds) {}

  StagedTree identified(String identity) {
    return new StagedTree(number, path, made, Optional.of(identity), before);
  }

  /** Which folder is at a path, without following a link. */
  static String identity(Path path) throws IOException {
    Map<String, Object> found = Files.readAttributes(path, ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
    return found.get("dev") + ":" + found.get("ino");
  }

  JournalEntry addTo(JournalEntry entry) {
    String name = "tree." + number + ".";
    JournalEntry with =
        entry
            .with(name + "path", path.toString())
            .with(name + "made", made.stream().map(Path::toString).toList())
            .with(name + "identity", identity.orElse(""));
    return before
        .map(
            was ->
                with.with(
                    name + "before",
                    List.of(
                        Integer.toString(was.mode()),
                        Integer.toString(was.owner()),
                        Integer.toString(was.group()),
                        Long.toString(was.seconds()),
                        Long.toString(was.nanoseconds()))))
        .orElse(with);
  }

  /**
   * The one of that number.
   *
   * @return empty if there is none
   * @throws JournalFormatException if it cannot be understood
   */
  static Optional<StagedTree> read(JournalEntry entry, int number) throws JournalFormatException {
    String name = "tree." + number + ".";
    if (entry.find(name + "path").isEmpty()) {
      return Optional.empty();
    }
    List<Path> made = new ArrayList<>();
    for (String path : entry.list(name + "made")) {
      made.add(Path.of(path));
    }
    Optional<Before> before = Optional.empty();
    if (entry.find(name + "before").isPresent()) {
      before = Optional.of(before(entry.list(name + "before")));
    }
    return Optional.of(
        new StagedTree(
            number,
            Path.of(entry.text(name + "path")),
            made,
            Optional.of(entry.text(name + "identity")).filter(text -> !text.isEmpty()),
            before));
  }

  private static Before before(List<String> words) throws JournalFormatException {
    try {
      return new Before(
          Integer.parseInt(words.get(0)),
          Integer.parseInt(words.get(1)),
          Integer.parseInt(words.get(2)),
          Long.parseLong(words.get(3)),
          Long.parseLong(words.get(4)));
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      throw new JournalFormatException("what a folder was like cannot be: " + words, e);
    }
  }
}
