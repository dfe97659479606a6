package io.longshore.target.files;

import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/** A tree of files as text: all that two trees must have in common, a line for each file. */
final class TreeComparison {
  private TreeComparison() {}

  /**
   * Each file by its path: type, mode, owner, group, time to the nanosecond, size, device, the
   * other names that it has, where a link leads to, extended attributes with ACLs, and content.
   */
  static Map<String, String> describe(Path root) throws Exception {
    Map<String, String> files = new TreeMap<>();
    Map<String, String> attributes = attributes(root);
    Map<String, String> firstNames = new TreeMap<>();
    // stat(2) through find: names are bytes, and Java may not have them all.
    for (String line :
        run(root, "find", ".", "-printf", "%p\\0%y %#m %U %G %T@ %s %n\\0%i\\0%l\\0\\n")
            .split("\0\n", -1)) {
      if (line.isEmpty()) {
        continue;
      }
      String[] parts = line.split("\0", -1);
      String name = parts[0];
      String type = parts[1].substring(0, 1);
      StringBuilder text = new StringBuilder(type.equals("d") ? withoutSize(parts[1]) : parts[1]);
      text.append(" same as ").append(firstNames.computeIfAbsent(parts[2], inode -> name));
      text.append(" to ").append(parts[3]);
      text.append(" with ").append(attributes.getOrDefault(name, ""));
      if (type.equals("f")) {
        text.append(" holds ").append(digest(root.resolve(name)));
      }
      if (type.equals("b") || type.equals("c")) {
        text.append(" device ").append(run(root, "stat", "-c", "%t:%T", name).strip());
      }
      files.put(name, text.toString());
    }
    return files;
  }

  /** A folder's size is its file system's business. */
  private static String withoutSize(String words) {
    String[] each = words.split(" ", -1);
    return String.join(" ", each[0], each[1], each[2], each[3], each[4]);
  }

  private static Map<String, String> attributes(Path root) throws Exception {
    Map<String, String> found = new TreeMap<>();
    String all =
        run(
            root,
            "getfattr",
            "-R",
            "-P",
            "-h",
            "-d",
            "-m",
            "^(user|security|system)",
            "-e",
            "hex",
            ".");
    for (String block : all.split("\n\n", -1)) {
      String[] lines = block.strip().split("\n", -1);
      if (lines[0].startsWith("# file: ")) {
        String name = lines[0].substring("# file: ".length());
        found.put(
            name.equals(".") ? name : "./" + name,
            java.util.Arrays.stream(lines).skip(1).sorted().collect(joining(",")));
      }
    }
    return found;
  }

  private static String digest(Path file) throws IOException, NoSuchAlgorithmException {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    digest.update(Files.readAllBytes(file));
    return HexFormat.of().formatHex(digest.digest(), 0, 8);
  }

  /** What a program prints; it must end well. */
  static String run(Path folder, String... command) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    builder.environment().put("LC_ALL", "C");
    Process process = builder.start();
    process.getOutputStream().close();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    if (process.waitFor() != 0) {
      throw new IOException("%s: %s".formatted(String.join(" ", command), output));
    }
    return output;
  }
}
