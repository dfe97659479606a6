package io.longshore.target.arrival;

import io.longshore.agent.copy.CopyEnd;
import io.longshore.agent.copy.CopyRecord;
import io.longshore.criu.run.CriuFolder;
import io.longshore.linux.network.AddressLock;
import io.longshore.linux.network.ArpAnnouncement;
import io.longshore.linux.network.Interfaces;
import io.longshore.linux.network.ServiceAddress;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.runtime.Coming;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** A copy that an agent which is gone left here. By one thread at a time. */
final class FoundCopy {
  private final String id;
  private final CriuFolder folder;
  private final Phase phase;
  private final Optional<Notes> notes;

  /** What an earlier agent wrote down, and what its runtime makes of it. */
  record Notes(ArrivalNotes written, Coming coming) {}

  /**
   * @param notes none if they are damaged: then nobody knows what is of the copy
   */
  FoundCopy(String id, Path folder, Phase phase, Optional<Notes> notes) {
    this.id = id;
    this.folder = new CriuFolder(folder);
    this.phase = phase;
    this.notes = notes;
  }

  /** Where it stood when it was found: STRANDED, RESUMED if it has every page, ABORTED. */
  Phase phase() {
    return phase;
  }

  /** For every order that it does not take. */
  LongshoreException refusal() {
    return new LongshoreException(
        Reason.WRONG_PHASE,
        "pages of migration %s were missing when the target-agent ended, and cannot be filled any more; only 'longshore resolve %s' goes on from here"
            .formatted(id, id));
  }

  /** It has every page and runs: opens its addresses. */
  int resume() throws IOException {
    CopyRecord record = notes().written().record();
    unlock();
    for (ServiceAddress address : record.addresses()) {
      Optional<String> name = Interfaces.withAddress(address);
      if (name.isPresent()) {
        ArpAnnouncement.send(address, name.get());
      }
    }
    return record.processes().isEmpty() ? 0 : record.processes().getFirst().pid();
  }

  /** It has every page: leaves nothing but the workload. */
  void complete() throws IOException {
    unlock();
    notes().written().over(true);
    notes().written().close();
    folder.delete();
  }

  /**
   * Ends it and removes all that is of it. Can be repeated.
   *
   * @throws LongshoreException JOURNAL_FAILED if nobody knows what that is
   */
  void end() throws IOException, InterruptedException {
    CopyEnd end = notes().written().end();
    end.endProcesses();
    notes().coming().remove();
    notes().written().over(false);
    notes().written().close();
    end.removeTraces();
  }

  private void unlock() throws IOException {
    new AddressLock(id).release();
  }

  private Notes notes() {
    return notes.orElseThrow(
        () ->
            new LongshoreException(
                Reason.JOURNAL_FAILED,
                "what is written in %s cannot be used, the log of the target-agent says why: see which processes are the workload's, end them and remove the folder"
                    .formatted(folder.path())));
  }
}
