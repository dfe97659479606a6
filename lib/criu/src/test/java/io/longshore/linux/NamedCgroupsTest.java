package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NamedCgroupsTest {
  private final String name = "longshore-named-" + ProcessHandle.current().pid();
  @TempDir Path folder;

  @Test
  void cgroupsOfAllHierarchiesAreFoundAndRemoved() throws Exception {
    List<String> lines = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of("/proc/self/cgroup"))) {
      String[] fields = line.split(":", 3);
      lines.add(fields[0] + ":" + fields[1] + ":/" + name);
    }
    Path file = Files.write(folder.resolve("cgroups"), lines);
    List<Path> made = new ArrayList<>();
    for (Path cgroup : NamedCgroups.folders(file).values()) {
      made.add(Files.createDirectories(cgroup));
    }

    assertThat(made).isNotEmpty().allMatch(cgroup -> cgroup.endsWith(name));
    assertThat(NamedCgroups.remove(file)).isEmpty();
    assertThat(made).noneMatch(Files::exists);
    assertThat(NamedCgroups.remove(file)).as("again").isEmpty();
  }

  @Test
  void whereSomebodyIsStays() throws Exception {
    Path file = Files.writeString(folder.resolve("cgroups"), freezer("/" + name) + "\n");
    Path cgroup = NamedCgroups.folders(file).values().iterator().next();
    Files.createDirectories(cgroup.resolve("below"));

    assertThat(NamedCgroups.remove(file)).containsExactly(cgroup);

    Files.delete(cgroup.resolve("below"));
    assertThat(NamedCgroups.remove(file)).isEmpty();
  }

  @Test
  void whoIsNotToStayLeavesThem() throws Exception {
    List<String> lines = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of("/proc/self/cgroup"))) {
      String[] fields = line.split(":", 3);
      // These two want more before a process may go in.
      if (!fields[1].contains("cpuset") && !fields[1].isEmpty()) {
        lines.add(fields[0] + ":" + fields[1] + ":/" + name);
      }
    }
    Path file = Files.write(folder.resolve("cgroups"), lines);
    Process one = new ProcessBuilder("sleep", "60").start();
    Process other = new ProcessBuilder("sleep", "60").start();
    try {
      for (Path cgroup : Set.copyOf(NamedCgroups.folders(file).values())) {
        Files.createDirectories(cgroup);
        Files.writeString(cgroup.resolve("cgroup.procs"), "" + one.pid());
        Files.writeString(cgroup.resolve("cgroup.procs"), "" + other.pid());
      }
      NamedCgroups.leave(file, Set.of((int) other.pid()));
      assertThat(Files.readString(Path.of("/proc/" + one.pid() + "/cgroup"))).doesNotContain(name);
      assertThat(Files.readString(Path.of("/proc/" + other.pid() + "/cgroup")).lines())
          .containsAll(lines);
    } finally {
      one.destroyForcibly().waitFor();
      other.destroyForcibly().waitFor();
      assertThat(NamedCgroups.remove(file)).isEmpty();
    }
  }

  @Test
  void thoseOfThisProcessAreNotAmongThem() throws Exception {
    assertThat(NamedCgroups.folders(Path.of("/proc/self/cgroup"))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "5", "5:freezer", "5:freezer:relative", "5:freezer:/a/../../b"})
  void aLineThatNamesNoneIsRefused(String line) throws Exception {
    Path file = Files.writeString(folder.resolve("cgroups"), line + "\n");

    assertThatThrownBy(() -> NamedCgroups.folders(file)).isInstanceOf(IOException.class);
  }

  private static String freezer(String path) throws IOException {
    return Files.readAllLines(Path.of("/proc/self/cgroup")).stream()
        .filter(line -> line.contains(":freezer:") || line.startsWith("0::"))
        .findFirst()
        .map(line -> line.substring(0, line.lastIndexOf(':') + 1) + path)
        .orElseThrow();
  }
}
