package io.longshore.target.check;

import io.longshore.agent.host.NodeFacts;
import io.longshore.agent.workload.ServiceAddressFacts;
import io.longshore.agent.workload.TaskFacts;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.criu.CriuVersion;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import io.longshore.target.runtime.TargetRuntimes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** Compares a workload and the host it runs on with this host. Changes nothing. */
public final class TargetCheck {
  /** What a migration needs besides the workload's own memory: CRIU, images, buffers. */
  private static final long OVERHEAD_BYTES = 64L << 20;

  /** How many ids or features one message names before it says how many more there are. */
  private static final int NAMED = 8;

  private final TargetRuntimes runtimes;
  private final Path proc;
  private final AddressCheck addresses;

  /**
   * @param runtimes what runs workloads here
   * @param proc where procfs is mounted
   */
  public TargetCheck(TargetRuntimes runtimes, Path proc, AddressCheck addresses) {
    this.runtimes = runtimes;
    this.proc = proc;
    this.addresses = addresses;
  }

  /**
   * Everything that stands in the way.
   *
   * @param here what this host can do
   * @param source what the workload's host can do
   */
  public List<Problem> check(WorkloadFacts workload, NodeFacts source, NodeFacts here) {
    List<Problem> problems = new ArrayList<>();
    compatible(source, here, problems);
    problems.addAll(runtimes.check(workload));
    pids(workload, problems);
    problems.addAll(new FileCheck(path -> runtimes.locate(workload, path)).check(workload.files()));
    long needed = workload.privateBytes() + workload.sharedBytes() + OVERHEAD_BYTES;
    if (here.availableBytes() < needed) {
      problems.add(
          new Problem(
              Reason.NOT_ENOUGH_MEMORY,
              "the workload needs %d MiB; %d MiB are available on the target"
                  .formatted(needed >> 20, here.availableBytes() >> 20)));
    }
    for (ServiceAddressFacts address : workload.serviceAddresses()) {
      addresses
          .obstacle(address)
          .ifPresent(why -> problems.add(new Problem(Reason.ADDRESS_NOT_AVAILABLE, why)));
    }
    return problems;
  }

  private static void compatible(NodeFacts source, NodeFacts here, List<Problem> problems) {
    if (!source.architecture().equals(here.architecture())) {
      problems.add(
          new Problem(
              Reason.ARCHITECTURE_INCOMPATIBLE,
              "the source is %s, the target %s"
                  .formatted(source.architecture(), here.architecture())));
      return;
    }
    TreeSet<String> lacking = new TreeSet<>(source.cpuFeatures());
    lacking.removeAll(here.cpuFeatures());
    if (!lacking.isEmpty()) {
      problems.add(
          new Problem(
              Reason.CPU_INCOMPATIBLE, "the target's CPU lacks " + some(List.copyOf(lacking))));
    }
    if (here.criuVersion().isEmpty()) {
      problems.add(
          new Problem(Reason.CRIU_MISSING, "the target has no CRIU that works on its kernel"));
    } else if (isOlderSeries(here.criuVersion(), source.criuVersion())) {
      problems.add(
          new Problem(
              Reason.CRIU_INCOMPATIBLE,
              "CRIU %s on the target cannot read the images of CRIU %s on the source"
                  .formatted(here.criuVersion(), source.criuVersion())));
    }
    if (!here.lazyRestore()) {
      problems.add(
          new Problem(
              Reason.KERNEL_INCOMPATIBLE,
              "kernel %s on the target does not offer userfaultfd with its events to CRIU"
                  .formatted(here.kernelRelease())));
    }
  }

  /**
   * Images may change from one minor version to the next; a newer CRIU reads what an older one
   * wrote.
   */
  private static boolean isOlderSeries(String here, String source) {
    Optional<CriuVersion> reads = version(here);
    Optional<CriuVersion> wrote = version(source);
    return reads.isPresent()
        && wrote.isPresent()
        && !reads.get().isAtLeast(new CriuVersion(wrote.get().major(), wrote.get().minor(), 0));
  }

  private static Optional<CriuVersion> version(String number) {
    return CriuVersion.find("Version: " + number);
  }

  private void pids(WorkloadFacts workload, List<Problem> problems) {
    List<TaskFacts> tasks = workload.tasks();
    if (workload.hasOwnPids()) {
      return;
    }
    List<String> taken =
        tasks.stream()
            .flatMap(task -> task.tids().stream())
            // procfs does not list threads, but finds them by name.
            .filter(tid -> Files.exists(proc.resolve(Integer.toString(tid))))
            .map(String::valueOf)
            .toList();
    if (!taken.isEmpty()) {
      problems.add(
          new Problem(
              Reason.PID_TAKEN,
              "in use on the target: " + some(taken),
              Map.of("pids", String.join(",", taken))));
    }
  }

  private static String some(List<String> names) {
    String named = String.join(", ", names.subList(0, Math.min(NAMED, names.size())));
    return names.size() <= NAMED ? named : named + " and " + (names.size() - NAMED) + " more";
  }
}
