package io.longshore.agent.host;

import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuCheck;
import io.longshore.linux.HostFacts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This host as an agent sees it: its CRIU, looked at once, and what it can do now.
 *
 * @param criu the CRIU that works here; empty if none does
 * @param lazyRestore whether it can restore lazily
 */
public record Host(Optional<Criu> criu, boolean lazyRestore) {
  private static final Logger log = LoggerFactory.getLogger(Host.class);
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** Tries the CRIU that was configured. One that does not work is logged and left out. */
  public static Host look(Path criuExecutable) throws InterruptedException {
    try {
      Criu criu = Criu.probe(criuExecutable, PATIENCE);
      CriuCheck check = CriuCheck.run(criu, PATIENCE);
      if (!check.works()) {
        log.warn(
            "CRIU {} at {} does not work on this kernel: {}",
            criu.version(),
            criuExecutable,
            check.complaints());
        return new Host(Optional.empty(), false);
      }
      log.info(
          "CRIU {} at {}, lazy restore: {}", criu.version(), criuExecutable, check.lazyRestore());
      return new Host(Optional.of(criu), check.lazyRestore());
    } catch (IOException e) {
      log.warn("No CRIU at {}: {}", criuExecutable, e.getMessage());
      return new Host(Optional.empty(), false);
    }
  }

  /**
   * What this host can do now.
   *
   * @param runtimes what runs workloads here
   */
  public NodeFacts facts(List<String> runtimes) {
    try {
      HostFacts facts = HostFacts.read();
      return new NodeFacts(
          facts.architecture(),
          facts.processorFeatures(),
          facts.kernelRelease(),
          criu.map(found -> found.version().toString()).orElse(""),
          lazyRestore,
          runtimes,
          facts.availableMemoryBytes(),
          facts.totalMemoryBytes());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read what this host can do", e);
    }
  }
}
