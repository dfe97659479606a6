package io.longshore.linux;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;

/**
 * What of a host decides whether a workload can run on it, as of now.
 *
 * @param architecture as uname(2) has it: {@code x86_64}, {@code aarch64}
 * @param kernelRelease as uname(2) has it
 * @param processorModel {@code model name} of the first processor, empty if the kernel gives none
 * @param processorFeatures {@code flags} or {@code Features} of the first processor, sorted
 * @param processors how many are online for this process
 * @param totalMemoryBytes {@code MemTotal}
 * @param availableMemoryBytes {@code MemAvailable}: what can be used without swapping
 * @param userfaultfd what it offers
 */
public record HostFacts(
    String architecture,
    String kernelRelease,
    String processorModel,
    Set<String> processorFeatures,
    int processors,
    long totalMemoryBytes,
    long availableMemoryBytes,
    UserfaultfdFacts userfaultfd) {

  public HostFacts {
    processorFeatures = java.util.Collections.unmodifiableSet(new TreeSet<>(processorFeatures));
  }

  /** Asks the kernel; proc_cpuinfo(5), proc_meminfo(5), userfaultfd(2). */
  public static HostFacts read() throws IOException {
    String cpu = ProcFiles.text(Path.of("/proc/cpuinfo"));
    String memory = ProcFiles.text(Path.of("/proc/meminfo"));
    String features = value(cpu, "flags");
    return new HostFacts(
        architecture(System.getProperty("os.arch", "")),
        ProcFiles.text(Path.of("/proc/sys/kernel/osrelease")).strip(),
        value(cpu, "model name"),
        new TreeSet<>(
            Arrays.asList(
                (features.isEmpty() ? value(cpu, "Features") : features).split(" +", -1))),
        Runtime.getRuntime().availableProcessors(),
        kibibytes(memory, "MemTotal"),
        kibibytes(memory, "MemAvailable"),
        UserfaultfdFacts.read());
  }

  /** {@code MemAvailable} alone, in bytes. */
  public static long availableMemory() throws IOException {
    return kibibytes(ProcFiles.text(Path.of("/proc/meminfo")), "MemAvailable");
  }

  private static String architecture(String javaName) {
    return javaName.equals("amd64") ? "x86_64" : javaName;
  }

  private static long kibibytes(String memory, String name) throws IOException {
    String value = value(memory, name);
    if (!value.endsWith(" kB")) {
      throw new IOException("/proc/meminfo has no " + name + " in kB, but '" + value + "'");
    }
    return Long.parseLong(value.substring(0, value.length() - " kB".length())) * 1024;
  }

  /** The first value of that name, empty if there is none. */
  private static String value(String text, String name) {
    return text.lines()
        .filter(line -> line.startsWith(name))
        .map(line -> line.split(":", 2))
        .filter(parts -> parts.length == 2 && parts[0].strip().equals(name))
        .map(parts -> parts[1].strip())
        .findFirst()
        .orElse("");
  }
}
