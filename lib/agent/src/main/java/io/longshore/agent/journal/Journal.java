package io.longshore.agent.journal;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What an agent holds for migrations, one file for each in a folder that must outlive the agent and
 * its host's restart.
 *
 * <p>A write is whole or not at all, and durable when it returns: the file and its folder are
 * flushed. A file that is damaged is told apart by its checksum. One process at a time owns the
 * folder; the lock ends with the process, however that ends. Files may hold secrets of migrations:
 * only their owner can read them. Thread-safe.
 *
 * <p>Every method throws LongshoreException JOURNAL_FAILED if the disk does not do what it should;
 * what was written before stays as it was.
 */
public final class Journal implements AutoCloseable {
  private static final String SUFFIX = ".journal";
  private static final String LOCK = "lock";

  private final Path folder;
  private final FileChannel lockFile;

  private Journal(Path folder, FileChannel lockFile) {
    this.folder = folder;
    this.lockFile = lockFile;
  }

  /**
   * Opens the journal of an agent, made if there is none.
   *
   * @throws LongshoreException JOURNAL_FAILED also if another process has it
   */
  public static Journal open(Path folder) {
    try {
      Files.createDirectories(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      FileChannel lockFile =
          FileChannel.open(
              folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (lock(lockFile) == null) {
        lockFile.close();
        throw new LongshoreException(
            Reason.JOURNAL_FAILED,
            "the journal in " + folder + " belongs to another process that runs: end that first");
      }
      Journal journal = new Journal(folder, lockFile);
      journal.flushFolder();
      return journal;
    } catch (IOException e) {
      throw failed("open the journal in " + folder, e);
    }
  }

  /** Whether a process that runs owns the journal in a folder. */
  public static boolean isOwned(Path folder) {
    try (FileChannel lockFile = FileChannel.open(folder.resolve(LOCK), StandardOpenOption.WRITE)) {
      return lock(lockFile) == null;
    } catch (NoSuchFileException e) {
      return false;
    } catch (IOException e) {
      throw failed("see who owns the journal in " + folder, e);
    }
  }

  /** Reads a journal without owning it; a folder that is not there holds nothing. */
  public static JournalContents look(Path folder) {
    List<JournalEntry> entries = new ArrayList<>();
    Map<String, String> damaged = new TreeMap<>();
    for (Path file : files(folder)) {
      String migration = migration(file);
      try {
        JournalEntry entry = EntryFormat.decode(Files.readAllBytes(file));
        if (entry.ref().id().equals(migration)) {
          entries.add(entry);
        } else {
          damaged.put(migration, file + " is of the migration " + entry.ref().id());
        }
      } catch (JournalFormatException e) {
        damaged.put(migration, file + " cannot be understood: " + e.getMessage());
      } catch (NoSuchFileException e) {
        // Removed meanwhile by its owner.
      } catch (IOException e) {
        damaged.put(migration, file + " cannot be read: " + e.getMessage());
      }
    }
    return new JournalContents(entries, damaged);
  }

  /** All that was written. */
  public JournalContents read() {
    return look(folder);
  }

  /** Writes what is held for a migration, in place of what was written before. */
  public synchronized void write(JournalEntry entry) {
    Path file = file(entry.ref().id());
    Path fresh = folder.resolve(entry.ref().id() + ".new");
    try {
      try (FileChannel out =
          FileChannel.open(
              fresh,
              java.util.Set.of(
                  StandardOpenOption.CREATE,
                  StandardOpenOption.TRUNCATE_EXISTING,
                  StandardOpenOption.WRITE),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
        ByteBuffer bytes = ByteBuffer.wrap(EntryFormat.encode(entry));
        while (bytes.hasRemaining()) {
          out.write(bytes);
        }
        out.force(true);
      }
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      flushFolder();
    } catch (IOException e) {
      deleteQuietly(fresh, e);
      throw failed("write " + file, e);
    }
  }

  /** Forgets a migration. Again does nothing. */
  public synchronized void remove(String migration) {
    try {
      if (Files.deleteIfExists(file(migration))) {
        flushFolder();
      }
    } catch (IOException e) {
      throw failed("remove " + file(migration), e);
    }
  }

  /** When what is held for a migration was last written; the epoch if nothing is. */
  public Instant written(String migration) {
    try {
      FileTime time = Files.getLastModifiedTime(file(migration));
      return time.toInstant();
    } catch (NoSuchFileException e) {
      return Instant.EPOCH;
    } catch (IOException e) {
      throw failed("look at " + file(migration), e);
    }
  }

  @Override
  public void close() {
    try {
      lockFile.close();
    } catch (IOException e) {
      throw failed("close the journal in " + folder, e);
    }
  }

  private static @Nullable FileLock lock(FileChannel file) throws IOException {
    try {
      return file.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  private static List<Path> files(Path folder) {
    try (Stream<Path> found = Files.list(folder)) {
      return found.filter(file -> file.toString().endsWith(SUFFIX)).sorted().toList();
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      throw failed("list the journal in " + folder, e);
    }
  }

  private static String migration(Path file) {
    String name = String.valueOf(file.getFileName());
    return name.substring(0, name.length() - SUFFIX.length());
  }

  private Path file(String migration) {
    return folder.resolve(migration + SUFFIX);
  }

  /** Else a file that was moved or removed may be back, or gone, after a loss of power. */
  private void flushFolder() throws IOException {
    try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
      directory.force(true);
    }
  }

  private static void deleteQuietly(Path file, IOException why) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      why.addSuppressed(e);
    }
  }

  private static LongshoreException failed(String what, IOException e) {
    return new LongshoreException(
        Reason.JOURNAL_FAILED, "cannot " + what + ": " + e.getMessage(), e);
  }
}
