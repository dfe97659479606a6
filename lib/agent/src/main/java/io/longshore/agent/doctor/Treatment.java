package io.longshore.agent.doctor;

import io.longshore.agent.copy.CopyEnd;
import io.longshore.agent.copy.CopyRecord;
import io.longshore.agent.copy.CopyRecord.Stage;
import io.longshore.agent.host.AgentIdentity.Role;
import io.longshore.agent.journal.Journal;
import io.longshore.agent.journal.JournalEntry;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.CriuTask;
import io.longshore.linux.CgroupFence;
import io.longshore.linux.CgroupHierarchy;
import io.longshore.linux.CpuThrottle;
import io.longshore.linux.network.AddressLock;
import io.longshore.linux.network.Interfaces;
import io.longshore.linux.network.NamespaceLock;
import io.longshore.linux.network.PreparedNamespace;
import io.longshore.linux.network.ServiceAddress;
import io.longshore.linux.network.TcpSockets;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Removes what there is of a migration that no running agent has. Can be repeated, and goes on
 * where an earlier one failed.
 */
public final class Treatment {
  private static final Duration ENDED = Duration.ofSeconds(10);

  private final List<AgentFolders> agents;

  /** What becomes of a workload that is found. */
  public enum Outcome {
    /** It runs on here. */
    RUNS_ON,
    /** It ends here. */
    ENDS
  }

  /**
   * @param agents of this node
   */
  public Treatment(List<AgentFolders> agents) {
    this.agents = List.copyOf(agents);
  }

  /**
   * Removes everything.
   *
   * @param remains of a migration that no running agent has
   */
  public void remove(Remains remains, Outcome outcome) throws IOException {
    if (remains.standing() == Remains.Standing.OWNED) {
      throw new IllegalArgumentException(remains.migration() + ": " + remains.why());
    }
    String id = remains.migration();
    for (AgentFolders agent : agents) {
      if (agent.role() == Role.TARGET) {
        // First of all: without its keeper a copy that misses pages would read zeros.
        treatCopy(agent.work().resolve(id), outcome);
      }
    }
    for (AgentFolders agent : agents) {
      for (CriuTask task : CriuTask.below(agent.work().resolve(id))) {
        // Of a dump this lets the tree go, of a restore it ends what was restored so far.
        task.kill();
      }
    }
    for (AgentFolders agent : agents) {
      if (agent.role() == Role.SOURCE) {
        CpuThrottle.endLeft(agent.work(), id);
      }
    }
    Optional<CgroupFence> fence = CgroupFence.attach(CgroupHierarchy.forFreezing(), id);
    if (fence.isPresent()) {
      dissolve(fence.get(), outcome);
    }
    if (outcome == Outcome.ENDS) {
      removeAddresses(id);
    }
    if (AddressLock.tables().stream()
        .anyMatch(table -> AddressLock.migration(table).equals(Optional.of(id)))) {
      new AddressLock(id).release();
    }
    PreparedNamespace.settle(id);
    NamespaceLock.releaseAll(id);
    for (AgentFolders agent : agents) {
      new CriuFolder(agent.work().resolve(id)).delete();
    }
    forget(id, outcome);
  }

  private static void treatCopy(Path folder, Outcome outcome) throws IOException {
    Optional<CopyRecord> written = CopyRecord.read(folder);
    if (written.isEmpty()) {
      return;
    }
    CopyRecord record = written.get();
    CopyEnd copy = new CopyEnd(folder, record);
    if (outcome == Outcome.ENDS || record.stage() == Stage.PREPARED) {
      copy.endProcesses();
      copy.removeTraces();
    } else if (record.stage() != Stage.FILLED) {
      throw new IllegalArgumentException(
          record.ref().id() + ": pages of the workload are missing; it can only be ended here");
    } else {
      copy.endKeeper();
    }
  }

  private static void dissolve(CgroupFence fence, Outcome outcome) throws IOException {
    switch (outcome) {
      case RUNS_ON -> {
        for (int pid : fence.processes()) {
          TcpSockets.endRepair(pid);
        }
        fence.thaw();
      }
      case ENDS -> fence.kill(ENDED);
    }
    fence.dissolve();
  }

  /** The target has them, or nobody. */
  private void removeAddresses(String id) throws IOException {
    for (AgentFolders agent : agents) {
      for (JournalEntry entry : Journal.look(agent.journal()).entries()) {
        if (entry.ref().id().equals(id)) {
          for (String text : Examination.addresses(entry)) {
            ServiceAddress address = ServiceAddress.parse(text);
            Optional<String> name = Interfaces.withAddress(address);
            if (name.isPresent()) {
              Interfaces.remove(address, name.get());
            }
          }
        }
      }
    }
  }

  /** What the coordinator asks for later is answered by the agent as if it had done this. */
  private void forget(String id, Outcome outcome) {
    for (AgentFolders agent : agents) {
      if (Journal.isOwned(agent.journal())) {
        continue;
      }
      Optional<JournalEntry> held =
          Journal.look(agent.journal()).entries().stream()
              .filter(entry -> entry.ref().id().equals(id) && !entry.isOver())
              .findFirst();
      boolean damaged = Journal.look(agent.journal()).damaged().containsKey(id);
      if (held.isEmpty() && !damaged) {
        continue;
      }
      try (Journal journal = Journal.open(agent.journal())) {
        if (held.isPresent() && agent.role() == Role.SOURCE) {
          journal.write(
              JournalEntry.of(
                  held.get().ref(), outcome == Outcome.RUNS_ON ? "ROLLED_BACK" : "LOST"));
        } else {
          journal.remove(id);
        }
      }
    }
  }
}
