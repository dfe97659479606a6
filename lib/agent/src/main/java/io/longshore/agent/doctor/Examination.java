package io.longshore.agent.doctor;

import io.longshore.agent.copy.CopyRecord;
import io.longshore.agent.copy.CopyRecord.Stage;
import io.longshore.agent.doctor.Remains.Standing;
import io.longshore.agent.host.AgentIdentity.Role;
import io.longshore.agent.journal.Journal;
import io.longshore.agent.journal.JournalContents;
import io.longshore.agent.journal.JournalEntry;
import io.longshore.agent.journal.JournalFormatException;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.CriuRestore;
import io.longshore.criu.run.CriuTask;
import io.longshore.linux.CgroupFence;
import io.longshore.linux.CgroupHierarchy;
import io.longshore.linux.CpuThrottle;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.linux.network.AddressLock;
import io.longshore.linux.network.Interfaces;
import io.longshore.linux.network.NamespaceLock;
import io.longshore.linux.network.PreparedNamespace;
import io.longshore.linux.network.ServiceAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Looks at this node for what migrations have on it. Changes nothing.
 *
 * <p>First it looks at what there is, then into the journals. An agent writes its journal before it
 * makes anything, and writes that a migration is over after it has removed everything: so what was
 * seen and is in no journal afterwards is nobody's.
 */
public final class Examination {
  private static final String MIGRATION = "[a-z0-9][a-z0-9-]{0,63}";

  private final List<AgentFolders> agents;
  private final Map<String, List<String>> traces = new TreeMap<>();
  private final Map<String, String> frozen = new TreeMap<>();
  private final Map<String, String> owned = new TreeMap<>();
  private final Map<String, String> copies = new TreeMap<>();

  private Examination(List<AgentFolders> agents) {
    this.agents = List.copyOf(agents);
  }

  /** Everything that is there, by migration; what an agent that runs has is among it. */
  public static List<Remains> of(List<AgentFolders> agents) throws IOException {
    return of(agents, Examination::runs);
  }

  /**
   * The same.
   *
   * @param runs whether an agent is seen to run, though nobody owns its journal
   */
  static List<Remains> of(List<AgentFolders> agents, Predicate<AgentFolders> runs)
      throws IOException {
    Examination examination = new Examination(agents);
    examination.lookAtFences();
    examination.lookAtThrottles();
    examination.lookAtFolders();
    examination.lookAtLocks();
    examination.lookAtContainerNetworks();
    return examination.judge(runs);
  }

  private void lookAtFences() throws IOException {
    CgroupHierarchy hierarchy = CgroupHierarchy.forFreezing();
    for (String name : CgroupFence.names(hierarchy)) {
      Optional<CgroupFence> found =
          name.matches(MIGRATION) ? CgroupFence.attach(hierarchy, name) : Optional.empty();
      if (found.isPresent()) {
        List<Integer> processes = found.get().processes();
        boolean holds = found.get().freezeRequested() && !processes.isEmpty();
        trace(
            name,
            "%s cgroup fence with the processes %s"
                .formatted(holds ? "frozen" : "open", processes));
        if (holds) {
          frozen.put(
              name,
              "its processes %s are frozen and may be the only copy of the workload"
                  .formatted(processes));
        }
      }
    }
  }

  private void lookAtThrottles() throws IOException {
    for (String name : CpuThrottle.names()) {
      if (name.matches(MIGRATION)) {
        trace(name, "cgroup that limits its processor time");
      }
    }
  }

  private void lookAtFolders() throws IOException {
    for (AgentFolders agent : agents) {
      for (Path folder : subfolders(agent.work())) {
        String name = String.valueOf(folder.getFileName());
        if (name.matches(MIGRATION) && isOfAMigration(folder)) {
          trace(name, "folder " + folder);
          if (agent.role() == Role.TARGET) {
            lookAtCopy(name, folder);
          }
          for (CriuTask task : CriuTask.below(folder)) {
            trace(name, "process " + task.handle().pid() + " " + command(task));
          }
          for (Member member : CriuRestore.notLetRun(new CriuFolder(folder).work())) {
            trace(name, "process %d of a restore that was not let run".formatted(member.pid()));
          }
        }
      }
    }
  }

  /** A target-agent writes what it has into the migration's folder. */
  private void lookAtCopy(String name, Path folder) throws IOException {
    if (Journal.isOwned(folder)) {
      owned.put(name, "the target-agent has it");
      return;
    }
    Optional<CopyRecord> record;
    try {
      record = CopyRecord.read(folder);
    } catch (JournalFormatException e) {
      copies.put(name, "what the target-agent wrote of it is damaged");
      return;
    }
    if (record.isPresent() && record.get().stage() != Stage.PREPARED) {
      trace(name, "a copy that was let run here: " + record.get().processes());
      for (ServiceAddress address : record.get().addresses()) {
        lookAtAddress(name, address);
      }
      copies.put(
          name,
          switch (record.get().stage()) {
            case PREPARED, RESUMED -> "the workload runs here and waits for pages that it misses";
            case FILLED ->
                "the workload runs here, and the target-agent takes it up when it is started";
            case BROKEN ->
                "the workload was ended here when its missing pages could not be filled any more";
          });
    }
  }

  private void lookAtLocks() throws IOException {
    for (String table : AddressLock.tables()) {
      AddressLock.migration(table).ifPresent(name -> trace(name, "nftables table " + table));
    }
  }

  private void lookAtContainerNetworks() throws IOException {
    for (String name : PreparedNamespace.migrations()) {
      trace(name, "network namespace " + PreparedNamespace.file(name));
    }
    for (Map.Entry<String, Integer> lock : NamespaceLock.find().entrySet()) {
      trace(lock.getKey(), "closed network namespace of the process %d".formatted(lock.getValue()));
    }
  }

  private List<Remains> judge(Predicate<AgentFolders> runs) throws IOException {
    Map<String, Remains> judged = new TreeMap<>();
    String unknown = "";
    for (AgentFolders agent : agents) {
      boolean owned = Journal.isOwned(agent.journal());
      if (!owned && runs.test(agent)) {
        unknown = agent.agent() + " runs and does not say what it has";
      }
      JournalContents journal = Journal.look(agent.journal());
      for (JournalEntry entry : journal.entries()) {
        if (!entry.isOver()) {
          lookAtAddresses(entry);
          trace(entry.ref().id(), "journal of the %s: %s".formatted(agent.agent(), entry.phase()));
          judge(
              judged,
              entry.ref().id(),
              owned ? Standing.OWNED : Standing.HELD,
              owned
                  ? "the %s has it".formatted(agent.agent())
                  : "the %s does not run; it takes it up when it is started"
                      .formatted(agent.agent()));
        }
      }
      journal
          .damaged()
          .forEach(
              (id, what) -> {
                trace(id, "journal of the %s: %s".formatted(agent.agent(), what));
                judge(judged, id, Standing.HELD, "its journal is damaged");
              });
    }
    for (String id : traces.keySet()) {
      if (owned.containsKey(id)) {
        judge(judged, id, Standing.OWNED, owned.getOrDefault(id, ""));
      } else if (copies.containsKey(id)) {
        judge(judged, id, Standing.HELD, copies.getOrDefault(id, ""));
      } else if (!unknown.isEmpty()) {
        judge(judged, id, Standing.HELD, unknown);
      } else if (frozen.containsKey(id)) {
        judge(judged, id, Standing.HELD, frozen.getOrDefault(id, ""));
      } else {
        judge(judged, id, Standing.LEFT_OVER, "no agent has it");
      }
    }
    return List.copyOf(judged.values());
  }

  /** What an agent that runs has is its own, whatever else there is; then what is held. */
  private void judge(Map<String, Remains> judged, String id, Standing standing, String why) {
    Remains before = judged.get(id);
    Remains now = new Remains(id, standing, why, traces.getOrDefault(id, List.of()));
    if (before == null || standing.compareTo(before.standing()) < 0) {
      judged.put(id, now);
    } else {
      judged.put(id, new Remains(id, before.standing(), before.why(), now.traces()));
    }
  }

  private void lookAtAddresses(JournalEntry entry) throws IOException {
    for (String address : addresses(entry)) {
      lookAtAddress(entry.ref().id(), ServiceAddress.parse(address));
    }
  }

  private void lookAtAddress(String id, ServiceAddress address) throws IOException {
    Optional<String> name = Interfaces.withAddress(address);
    if (name.isPresent()) {
      trace(id, "address %s on %s".formatted(address, name.get()));
    }
  }

  static List<String> addresses(JournalEntry entry) throws IOException {
    return entry.find("addresses").isPresent() ? entry.list("addresses") : List.of();
  }

  private void trace(String migration, String what) {
    traces.computeIfAbsent(migration, id -> new ArrayList<>()).add(what);
  }

  /** Where there are no namespaces between this program and the agent, its process is seen. */
  private static boolean runs(AgentFolders agent) {
    return ProcessHandle.allProcesses()
        .anyMatch(process -> commandLine(process.pid()).contains(agent.mainClass()));
  }

  private static List<String> commandLine(long pid) {
    try {
      return List.of(
          Files.readString(
                  Path.of("/proc", Long.toString(pid), "cmdline"),
                  java.nio.charset.StandardCharsets.ISO_8859_1)
              .split("\0", -1));
    } catch (IOException e) {
      return List.of();
    }
  }

  /** An agent may have other folders there. */
  private static boolean isOfAMigration(Path folder) {
    CriuFolder parts = new CriuFolder(folder);
    return Files.isDirectory(parts.images()) || Files.isDirectory(parts.work());
  }

  private static String command(CriuTask task) {
    String line = String.join(" ", task.arguments());
    return line.length() > 80 ? line.substring(0, 80) + "..." : line;
  }

  private static List<Path> subfolders(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> found = Files.list(folder)) {
      return found.filter(Files::isDirectory).sorted().toList();
    }
  }
}
