package io.longshore.linux;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the address space of a process from {@code /proc/PID}.
 *
 * <p>Of a running process the kernel gives a view that is right at every address at some moment of
 * the read, not one moment for all. A zombie has no mappings. {@link IOException} if there is no
 * such process.
 */
public final class Mappings {
  private Mappings() {}

  /** All mappings in ascending order; proc_pid_maps(5). */
  public static List<Mapping> read(int pid) throws IOException {
    List<Mapping> mappings = new ArrayList<>();
    try (BufferedReader lines = open(pid, "maps")) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        mappings.add(Mapping.parse(line));
      }
    }
    return List.copyOf(mappings);
  }

  /**
   * All mappings with their use of memory; much dearer than {@link #read}, it walks all page
   * tables.
   */
  public static List<MappingUsage> readUsage(int pid) throws IOException {
    List<MappingUsage> usages = new ArrayList<>();
    try (BufferedReader lines = open(pid, "smaps")) {
      Mapping mapping = null;
      Sizes sizes = new Sizes();
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (isHeading(line)) {
          add(usages, mapping, sizes);
          mapping = Mapping.parse(line);
          sizes = new Sizes();
        } else {
          sizes.take(line);
        }
      }
      add(usages, mapping, sizes);
    }
    return List.copyOf(usages);
  }

  /** The sums over all mappings. */
  public static ResidentMemory resident(int pid) throws IOException {
    Sizes sizes = new Sizes();
    try (BufferedReader lines = open(pid, "smaps_rollup")) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        sizes.take(line);
      }
    }
    return new ResidentMemory(sizes.resident, sizes.proportional, sizes.anonymous, sizes.swapped);
  }

  private static BufferedReader open(int pid, String file) throws IOException {
    // Paths are bytes; ISO 8859-1 keeps every one of them.
    return Files.newBufferedReader(
        Path.of("/proc", Integer.toString(pid), file), StandardCharsets.ISO_8859_1);
  }

  private static boolean isHeading(String line) {
    // A value's name begins with a capital letter, an address with a hexadecimal digit in lower
    // case.
    return !Character.isUpperCase(line.charAt(0));
  }

  private static void add(List<MappingUsage> usages, @Nullable Mapping mapping, Sizes sizes) {
    if (mapping != null) {
      usages.add(
          new MappingUsage(
              mapping,
              sizes.resident,
              sizes.proportional,
              sizes.anonymous,
              sizes.swapped,
              sizes.flags));
    }
  }

  private static final class Sizes {
    private long resident;
    private long proportional;
    private long anonymous;
    private long swapped;
    private Set<String> flags = Set.of();

    void take(String line) {
      int colon = line.indexOf(':');
      if (colon < 0) {
        return;
      }
      String value = line.substring(colon + 1).strip();
      switch (line.substring(0, colon)) {
        case "Rss" -> resident = bytes(value);
        case "Pss" -> proportional = bytes(value);
        case "Anonymous" -> anonymous = bytes(value);
        case "Swap" -> swapped = bytes(value);
        case "VmFlags" -> flags = value.isEmpty() ? Set.of() : Set.of(value.split(" +", -1));
        default -> {}
      }
    }

    private static long bytes(String value) {
      return Long.parseLong(value.substring(0, value.length() - " kB".length())) * 1024;
    }
  }
}
