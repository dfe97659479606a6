package io.longshore.target.arrival;

import io.longshore.agent.copy.CopyEnd;
import io.longshore.agent.copy.CopyRecord;
import io.longshore.agent.copy.CopyRecord.Stage;
import io.longshore.agent.journal.JournalFormatException;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.CriuRestore;
import io.longshore.criu.run.CriuRestore.Fate;
import io.longshore.linux.network.AddressLock;
import io.longshore.platform.error.LongshoreException;
import io.longshore.target.arrival.EndedCopies.Ended;
import io.longshore.target.arrival.FoundCopy.Notes;
import io.longshore.target.runtime.Coming;
import io.longshore.target.runtime.TargetRuntimes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks through the folders of an agent that is gone. What never ran is ended and removed: the
 * coordinator rolls it back, or an operator who decides for the source loses nothing. What was let
 * run is gone on with, or kept as it is.
 */
final class FoundCopies {
  private static final Logger log = LoggerFactory.getLogger(FoundCopies.class);

  private FoundCopies() {}

  static List<Arrival> takeUp(Path workFolder, TargetRuntimes runtimes) throws IOException {
    if (!Files.isDirectory(workFolder)) {
      return List.of();
    }
    List<Path> folders;
    try (Stream<Path> found = Files.list(workFolder)) {
      folders = found.filter(FoundCopies::isOfAMigration).sorted().toList();
    }
    Map<String, Ended> ended = new HashMap<>(EndedCopies.takeUp(workFolder));
    List<Arrival> arrivals = new ArrayList<>();
    for (Path folder : folders) {
      String id = String.valueOf(folder.getFileName());
      Ended end = ended.remove(id);
      arrivals.add(takeUpOrLeave(id, folder, end, runtimes));
    }
    for (Ended end : ended.values()) {
      arrivals.add(end.complete() ? Arrival.completed(end.ref()) : Arrival.aborted(end.ref()));
    }
    return arrivals;
  }

  /** It runs and has every page; an agent that is gone was removing the rest. */
  private static Arrival finish(MigrationRef ref, Path folder) throws IOException {
    new AddressLock(ref.id()).release();
    new CriuFolder(folder).delete();
    return Arrival.completed(ref);
  }

  /** One that cannot even be looked at does not keep this agent from the others. */
  private static Arrival takeUpOrLeave(
      String id, Path folder, @Nullable Ended end, TargetRuntimes runtimes) {
    try {
      return end != null && end.complete()
          ? finish(end.ref(), folder)
          : takeUp(id, folder, end != null, runtimes);
    } catch (IOException | RuntimeException e) {
      log.error("Migration {}: cannot be taken up; nothing of it is touched", id, e);
      FoundCopy unknown = new FoundCopy(id, folder, Phase.STRANDED, Optional.empty());
      return Arrival.found(new MigrationRef(id, 1), unknown);
    }
  }

  /** Other folders may be there. */
  private static boolean isOfAMigration(Path folder) {
    CriuFolder parts = new CriuFolder(folder);
    return String.valueOf(folder.getFileName()).matches("[a-z0-9][a-z0-9-]{0,63}")
        && Files.isDirectory(parts.images())
        && Files.isDirectory(parts.work());
  }

  /**
   * @param wasEnded whether an agent that is gone had ended it and was removing the rest: what is
   *     left of its files tells nothing then
   */
  private static Arrival takeUp(String id, Path folder, boolean wasEnded, TargetRuntimes runtimes)
      throws IOException {
    Optional<CopyRecord> written;
    try {
      written = CopyRecord.read(folder);
    } catch (JournalFormatException e) {
      log.error(
          "Migration {}: what an earlier agent wrote down is damaged; nothing of it is touched",
          id,
          e);
      FoundCopy unknown = new FoundCopy(id, folder, Phase.STRANDED, Optional.empty());
      return Arrival.found(new MigrationRef(id, 1), unknown);
    }
    CopyRecord record = written.orElseGet(() -> CopyRecord.of(new MigrationRef(id, 1)));
    Coming coming = runtimes.takeUp(record.ref(), record.runtime(), new CriuFolder(folder));
    Phase phase = wasEnded ? Phase.ABORTED : phase(id, folder, record);
    ArrivalNotes notes = ArrivalNotes.takeUp(folder, record);
    Optional<Notes> kept = Optional.of(new Notes(notes, coming));
    FoundCopy copy = new FoundCopy(id, folder, phase, kept);
    if (phase == Phase.ABORTED) {
      try {
        copy.end();
        return Arrival.aborted(record.ref());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (IOException | LongshoreException e) {
        log.error("Migration {}: never ran here, and cannot be removed yet", id, e);
      }
    }
    if (phase == Phase.RESUMED) {
      coming.running();
      try {
        return RunningCopy.takeUp(new CriuFolder(folder), coming, record, notes);
      } catch (IOException | RuntimeException e) {
        if (record.stage() == Stage.RESUMED) {
          log.error(
              "Migration {}: cannot be filled any more. 'longshore resolve {}' decides; nothing is touched until then",
              id,
              id,
              e);
          copy = new FoundCopy(id, folder, Phase.STRANDED, kept);
        } else {
          log.warn("Migration {}: has every page; what still comes is not taken", id, e);
        }
      }
    }
    return Arrival.found(record.ref(), copy);
  }

  private static Phase phase(String id, Path folder, CopyRecord record) throws IOException {
    Fate fate = fate(folder, record);
    if (fate == Fate.NEVER_RAN) {
      log.warn("Migration {}: never ran here before the agent ended; removing it", id);
      return Phase.ABORTED;
    }
    if (fate == Fate.RAN_IN_PART) {
      log.error(
          "Migration {}: CRIU was killed while it let one process after another run. 'longshore resolve {}' decides; nothing is touched until then",
          id,
          id);
      return Phase.STRANDED;
    }
    CopyEnd copy = new CopyEnd(folder, record);
    return switch (record.stage()) {
      case PREPARED -> {
        log.error(
            "Migration {}: CRIU was told to let it run, and nobody wrote that down; nothing of it is touched",
            id);
        yield Phase.STRANDED;
      }
      case BROKEN -> {
        log.error(
            "Migration {}: was ended here when its missing pages could not be filled any more. 'longshore resolve {}' decides",
            id,
            id);
        yield Phase.STRANDED;
      }
      case FILLED -> {
        log.info("Migration {}: has every page; taken up again", id);
        // Nobody reads what it would hear of forks.
        copy.endKeeper();
        yield Phase.RESUMED;
      }
      case RESUMED -> {
        if (copy.isKept()) {
          log.warn(
              "Migration {}: an agent that is gone let it run here while pages were missing. {} of its processes live; who of them touches a missing page waits until it comes",
              id,
              copy.alive().size());
          yield Phase.RESUMED;
        }
        log.error(
            "Migration {}: an agent that is gone let it run here while pages were missing, and what kept its memory is gone too: missing pages may have read as zeros. {} of its processes live. 'longshore resolve {}' decides; nothing is touched until then",
            id,
            copy.alive().size(),
            id);
        yield Phase.STRANDED;
      }
    };
  }

  /** What was written down as running may not run: it is written first. */
  private static Fate fate(Path folder, CopyRecord record) throws IOException {
    try {
      return CriuRestore.fate(new CriuFolder(folder).work(), record.processes());
    } catch (NoSuchFileException e) {
      return record.stage() == Stage.PREPARED ? Fate.NEVER_RAN : Fate.RUNS;
    }
  }
}
