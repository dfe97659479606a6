package io.longshore.agent.copy;

import io.longshore.agent.journal.Journal;
import io.longshore.agent.journal.JournalContents;
import io.longshore.agent.journal.JournalEntry;
import io.longshore.agent.journal.JournalFormatException;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.linux.network.ServiceAddress;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What the target-agent remembers of a copy, in a journal in the migration's own folder: it is in
 * memory, so it outlives the agent and not the host.
 *
 * @param ref the migration
 * @param stage how far it came; written before it comes there
 * @param runtime what runs it
 * @param addresses that this host has, or is about to have, for it
 * @param keepers processes that hold the memory of its processes; none if none was started; more
 *     than one while the last takes over from those before
 * @param processes that were restored, the root first; there from {@link Stage#RESUMED} on
 */
public record CopyRecord(
    MigrationRef ref,
    Stage stage,
    RuntimeRecord runtime,
    List<ServiceAddress> addresses,
    List<Member> keepers,
    List<Member> processes) {
  private static final String ADDRESSES = "addresses";
  private static final String KEEPER = "keeper";
  private static final String PROCESSES = "processes";

  /** How far a copy came. */
  public enum Stage {
    /** It never ran. */
    PREPARED,
    /** It may run, and pages may be missing. */
    RESUMED,
    /** It runs and has every page. */
    FILLED,
    /** It ran, and was ended when its missing pages could not be filled any more. */
    BROKEN
  }

  /** Copies. */
  public CopyRecord {
    addresses = List.copyOf(addresses);
    keepers = List.copyOf(keepers);
    processes = List.copyOf(processes);
  }

  /** Of a migration for which nothing was done yet. */
  public static CopyRecord of(MigrationRef ref) {
    return new CopyRecord(
        ref, Stage.PREPARED, RuntimeRecord.ofProcess(0), List.of(), List.of(), List.of());
  }

  /** The same with this runtime. */
  public CopyRecord withRuntime(RuntimeRecord now) {
    return new CopyRecord(ref, stage, now, addresses, keepers, processes);
  }

  /** The same with these addresses. */
  public CopyRecord withAddresses(List<ServiceAddress> now) {
    return new CopyRecord(ref, stage, runtime, now, keepers, processes);
  }

  /** The same with other keepers. */
  public CopyRecord withKeepers(List<Member> now) {
    return new CopyRecord(ref, stage, runtime, addresses, now, processes);
  }

  /** The same at another stage. */
  public CopyRecord at(Stage now) {
    return new CopyRecord(ref, now, runtime, addresses, keepers, processes);
  }

  /** The same with these processes. */
  public CopyRecord withProcesses(List<Member> now) {
    return new CopyRecord(ref, stage, runtime, addresses, keepers, now);
  }

  /** As it is written. */
  public JournalEntry toEntry() {
    return runtime
        .in(JournalEntry.of(ref, stage.name()))
        .with(ADDRESSES, addresses.stream().map(ServiceAddress::toString).toList())
        .with(KEEPER, words(keepers))
        .with(PROCESSES, words(processes));
  }

  /**
   * As it was written.
   *
   * @throws JournalFormatException if it cannot be understood
   */
  public static CopyRecord from(JournalEntry entry) throws JournalFormatException {
    try {
      return new CopyRecord(
          entry.ref(),
          Stage.valueOf(entry.phase()),
          RuntimeRecord.of(entry, 0),
          entry.list(ADDRESSES).stream().map(ServiceAddress::parse).toList(),
          members(entry.list(KEEPER)),
          members(entry.list(PROCESSES)));
    } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
      throw new JournalFormatException("it has a value that cannot be: " + e.getMessage(), e);
    }
  }

  /**
   * Reads what was written in a migration's folder.
   *
   * @return empty if nothing was
   * @throws JournalFormatException if it is damaged
   */
  public static Optional<CopyRecord> read(Path folder) throws JournalFormatException {
    JournalContents journal = Journal.look(folder);
    if (!journal.damaged().isEmpty()) {
      throw new JournalFormatException(String.join("; ", journal.damaged().values()));
    }
    if (journal.entries().isEmpty()) {
      return Optional.empty();
    }
    CopyRecord record = from(journal.entries().getFirst());
    for (Stage stage : Stage.values()) {
      if (stage.compareTo(record.stage()) > 0 && Files.exists(mark(folder, stage))) {
        record = record.at(stage);
      }
    }
    return Optional.of(record);
  }

  /**
   * Notes in a migration's folder that the copy is at a stage, by a file without content: a
   * workload stands still meanwhile, and the rest was written before.
   */
  public static void note(Path folder, Stage stage) throws IOException {
    try {
      Files.createFile(mark(folder, stage));
    } catch (FileAlreadyExistsException e) {
      // Noted before.
    }
  }

  /** Takes a note back. */
  public static void unnote(Path folder, Stage stage) throws IOException {
    Files.deleteIfExists(mark(folder, stage));
  }

  private static Path mark(Path folder, Stage stage) {
    return folder.resolve(stage.name().toLowerCase(Locale.ROOT));
  }

  private static List<String> words(List<Member> members) {
    return members.stream().map(member -> member.pid() + " " + member.startTime()).toList();
  }

  private static List<Member> members(List<String> words) {
    return words.stream()
        .map(word -> word.split(" ", -1))
        .map(word -> new Member(Integer.parseInt(word[0]), Long.parseLong(word[1])))
        .toList();
  }
}
