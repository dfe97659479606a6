package io.longshore.agent.copy;

import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.CriuRestore;
import io.longshore.criu.run.CriuTask;
import io.longshore.linux.ProcessFamily;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.linux.network.AddressLock;
import io.longshore.linux.network.Interfaces;
import io.longshore.linux.network.ServiceAddress;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Ends a copy, in the agent that let it run or without it: first {@link #endProcesses}, then {@link
 * #removeTraces}. Each can be repeated and goes on where an earlier one failed.
 */
public final class CopyEnd {
  private static final Duration KILLED = Duration.ofSeconds(10);

  private final Path folder;
  private final CopyRecord record;

  /**
   * @param folder of the migration
   * @param record what was written in it
   */
  public CopyEnd(Path folder, CopyRecord record) {
    this.folder = folder;
    this.record = record;
  }

  /** Those of the copy that have not ended. */
  public List<Member> alive() throws IOException {
    return new ProcessFamily(record.processes()).alive();
  }

  /** Whether its missing pages are still kept missing. */
  public boolean isKept() throws IOException {
    for (Member keeper : record.keepers()) {
      if (keeper.isAlive()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Kills the processes, what was restored and never ran among them, and waits until they are dead.
   * Nothing that they, or the kernel for them, would say to their clients leaves this host: the
   * workload may be talking to them from another.
   *
   * @throws IOException if some live on, or nobody knows which they are
   */
  public void endProcesses() throws IOException {
    if (record.processes().isEmpty() && record.stage() != CopyRecord.Stage.PREPARED) {
      throw new IOException(
          "nobody wrote down which processes are of migration " + record.ref().id());
    }
    List<ServiceAddress> here = addressesHere();
    if (!here.isEmpty()) {
      new AddressLock(record.ref().id()).prepareSealed(here);
    }
    List<Member> members = new ArrayList<>(record.processes());
    for (CriuTask task : CriuTask.below(folder)) {
      try {
        Member member = Member.of((int) task.handle().pid());
        if (!record.keepers().contains(member)) {
          members.add(member);
        }
      } catch (NoSuchFileException e) {
        // It has ended.
      }
    }
    members.addAll(CriuRestore.notLetRun(new CriuFolder(folder).work()));
    new ProcessFamily(members).kill(KILLED);
  }

  /**
   * Removes the rest: keeper, addresses, lock, folder. After {@link #endProcesses}, or if the
   * workload has every page.
   */
  public void removeTraces() throws IOException {
    endKeeper();
    removeAddresses();
    new CriuFolder(folder).delete();
  }

  /** Ends the keeper. Only if it keeps nothing that anybody could read as zeros. */
  public void endKeeper() throws IOException {
    new ProcessFamily(record.keepers()).kill(KILLED);
  }

  /** Takes the addresses from this host and removes what locked them. */
  public void removeAddresses() throws IOException {
    for (ServiceAddress address : record.addresses()) {
      Optional<String> name = Interfaces.withAddress(address);
      if (name.isPresent()) {
        Interfaces.remove(address, name.get());
      }
    }
    new AddressLock(record.ref().id()).release();
  }

  private List<ServiceAddress> addressesHere() throws IOException {
    List<ServiceAddress> here = new ArrayList<>();
    for (ServiceAddress address : record.addresses()) {
      if (Interfaces.withAddress(address).isPresent()) {
        here.add(address);
      }
    }
    return here;
  }
}
