package io.longshore.target.files;

import io.longshore.agent.files.ConfinedProgram;
import io.longshore.agent.journal.Journal;
import io.longshore.criu.run.CriuFolder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files that come to this host in a test. */
public final class TestFiles {
  private TestFiles() {}

  /** That nobody prepares. */
  public static FileArrivals none() {
    try {
      Path folder = Files.createTempDirectory("files");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
      return in(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path folder) {
    try {
      new CriuFolder(folder).delete();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whose notes are in a folder. */
  public static FileArrivals in(Path folder) throws IOException {
    return new FileArrivals(
        Journal.open(folder.resolve("journal")),
        new ConfinedProgram(folder.resolve("programs")),
        Files.createDirectories(folder.resolve("locks")));
  }
}
