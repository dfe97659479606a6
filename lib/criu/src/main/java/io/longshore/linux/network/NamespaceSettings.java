package io.longshore.linux.network;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The settings below {@code /proc/sys/net} of the calling thread's network namespace; sysctl(8). A
 * namespace shows only those that are its own.
 */
final class NamespaceSettings {
  private static final Path ROOT = Path.of("/proc/sys/net");

  private NamespaceSettings() {}

  /** All that can be read. */
  static SortedMap<String, String> read() throws IOException {
    SortedMap<String, String> settings = new TreeMap<>();
    Files.walkFileTree(
        ROOT,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            try {
              settings.put(ROOT.relativize(file).toString(), Files.readString(file).strip());
            } catch (IOException e) {
              // Some can only be written, and an IPv6 secret that is not set cannot be read.
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) {
            // A device went away meanwhile.
            return FileVisitResult.CONTINUE;
          }
        });
    return settings;
  }

  /**
   * What of {@code found} is otherwise in a namespace that nobody has changed, and can be written.
   */
  static SortedMap<String, String> differing(
      Map<String, String> found, Map<String, String> unchanged) throws IOException {
    SortedMap<String, String> differing = new TreeMap<>();
    for (Map.Entry<String, String> setting : found.entrySet()) {
      String name = setting.getKey();
      // The MTU of IPv6 follows the device's.
      if (!setting.getValue().equals(unchanged.get(name))
          && !name.matches("ipv6/conf/[^/]+/mtu")
          && Files.getPosixFilePermissions(ROOT.resolve(name))
              .contains(PosixFilePermission.OWNER_WRITE)) {
        differing.put(name, setting.getValue());
      }
    }
    return differing;
  }

  /** Writes them, {@code all} and {@code default} before those of devices, as the order has it. */
  static void write(SortedMap<String, String> settings) throws IOException {
    for (Map.Entry<String, String> setting : settings.entrySet()) {
      Path file = ROOT.resolve(setting.getKey());
      if (!Files.exists(file)) {
        throw new IOException(
            "the kernel of this host has no setting %s, which the network has as '%s'"
                .formatted(file, setting.getValue()));
      }
      try {
        // One write, since the kernel takes each for a whole value.
        Files.writeString(file, setting.getValue() + "\n");
      } catch (IOException e) {
        throw new IOException(
            "cannot set %s to '%s': %s".formatted(file, setting.getValue(), e.getMessage()), e);
      }
    }
  }
}
