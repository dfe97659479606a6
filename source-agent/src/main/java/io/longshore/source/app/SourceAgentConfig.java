package io.longshore.source.app;

import io.longshore.platform.app.ServiceConfig;
import io.longshore.platform.tls.TlsConfig;
import io.longshore.platform.value.HostPort;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Configuration of a source-agent.
 *
 * @param node name of this host
 * @param listen where the coordinator reaches it
 * @param coordinator where to register
 * @param criu the CRIU to dump with
 * @param workFolder where CRIU writes; on tmpfs
 * @param journalFolder where the agent writes down what it holds; must outlive a restart of the
 *     host
 * @param pageStreams how many streams carry pages at once
 * @param linkSilence how long nothing may be heard over a data stream's connection until it counts
 *     as cut
 * @param tls how connections are secured
 */
public record SourceAgentConfig(
    String node,
    HostPort listen,
    HostPort coordinator,
    Path criu,
    Path workFolder,
    Path journalFolder,
    int pageStreams,
    Duration linkSilence,
    TlsConfig tls)
    implements ServiceConfig {
  /** Refuses what cannot be. */
  public SourceAgentConfig {
    if (pageStreams < 1 || pageStreams > 64) {
      throw new IllegalArgumentException("page-streams must be 1 to 64, found " + pageStreams);
    }
  }

  @Override
  public Optional<String> ofNode() {
    return Optional.of(node);
  }
}
