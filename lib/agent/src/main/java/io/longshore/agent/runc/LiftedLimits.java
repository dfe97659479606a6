package io.longshore.agent.runc;

import io.longshore.linux.NamedCgroups;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * Limits of a container that must not hold while CRIU restores it, because CRIU's own processes
 * count: how many processes there may be, which would end the restore, and how much processor time
 * they may take, which would slow it. They are written down, so that whoever comes next can set
 * them again.
 */
final class LiftedLimits {
  private static final String FILE = "limits";

  /** Files of both versions of cgroups, and what stands in them where there is no limit. */
  private static final Map<String, String> NONE =
      Map.of("pids.max", "max", "cpu.cfs_quota_us", "-1", "cpu.max", "max");

  private final Path file;

  /**
   * @param folder where they are written down
   */
  LiftedLimits(Path folder) {
    this.file = folder.resolve(FILE);
  }

  /**
   * Lifts them.
   *
   * @param cgroups as {@link NamedCgroups#folders} takes it
   */
  void lift(Path cgroups) throws IOException {
    Properties before = new Properties();
    for (Path folder : List.copyOf(new TreeMap<>(NamedCgroups.folders(cgroups)).values())) {
      for (String limit : NONE.keySet()) {
        Path of = folder.resolve(limit);
        if (Files.exists(of)) {
          before.setProperty(of.toString(), Files.readString(of).strip());
        }
      }
    }
    try (Writer out = Files.newBufferedWriter(file)) {
      before.store(out, null);
    }
    for (String of : before.stringPropertyNames()) {
      Files.writeString(Path.of(of), NONE.get(String.valueOf(Path.of(of).getFileName())));
    }
  }

  /** Sets those again that were lifted. Can be repeated; of what is gone nothing is set. */
  void setAgain() throws IOException {
    Properties before = new Properties();
    try (Reader in = Files.newBufferedReader(file)) {
      before.load(in);
    } catch (NoSuchFileException e) {
      return;
    }
    for (String of : before.stringPropertyNames()) {
      if (Files.exists(Path.of(of))) {
        Files.writeString(Path.of(of), before.getProperty(of));
      }
    }
    Files.delete(file);
  }
}
