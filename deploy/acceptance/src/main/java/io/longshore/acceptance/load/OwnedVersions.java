package io.longshore.acceptance.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Which version each owned key of one connection has: the last one whose write was answered. One
 * thread writes; others may read once it has ended.
 */
final class OwnedVersions {
  private final int[] versions;

  /**
   * The key whose last write was not answered, so that the server may have either version; -1 if
   * there is none.
   */
  private int uncertain = -1;

  OwnedVersions(int keys) {
    versions = new int[keys];
  }

  private OwnedVersions(int[] versions, int uncertain) {
    this.versions = versions;
    this.uncertain = uncertain;
  }

  int keys() {
    return versions.length;
  }

  int version(int key) {
    return versions[key];
  }

  /** Whether the server may hold the version after this one as well. */
  boolean isUncertain(int key) {
    return key == uncertain;
  }

  void writeBegins(int key) {
    uncertain = key;
  }

  void writeAnswered(int key) {
    versions[key]++;
    uncertain = -1;
  }

  /** One line for each connection: the uncertain key, then the versions. */
  static void save(List<OwnedVersions> all, Path file) throws IOException {
    Files.write(
        file,
        all.stream()
            .map(
                owned ->
                    owned.uncertain
                        + " "
                        + Arrays.stream(owned.versions)
                            .mapToObj(Integer::toString)
                            .collect(Collectors.joining(" ")))
            .toList());
  }

  static List<OwnedVersions> load(Path file) throws IOException {
    return Files.readAllLines(file).stream()
        .map(
            line -> {
              int[] numbers = Arrays.stream(line.split(" ")).mapToInt(Integer::parseInt).toArray();
              return new OwnedVersions(Arrays.copyOfRange(numbers, 1, numbers.length), numbers[0]);
            })
        .toList();
  }
}
