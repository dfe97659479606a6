package io.longshore.target.app;

import io.longshore.platform.app.ServiceConfig;
import io.longshore.platform.tls.TlsConfig;
import io.longshore.platform.value.HostPort;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Configuration of a target-agent.
 *
 * @param node name of this host
 * @param listen where the coordinator reaches it
 * @param transferPort port of the same address, where source-agents send images and pages to
 * @param coordinator where to register
 * @param criu the CRIU to restore with
 * @param workFolder where images are received and CRIU writes; on tmpfs
 * @param filesFolder where the agent writes down what files it put on this host; must outlive a
 *     restart of the host
 * @param linkSilence how long nothing may be heard over a data stream's connection until it counts
 *     as cut
 * @param tls how connections are secured
 */
public record TargetAgentConfig(
    String node,
    HostPort listen,
    int transferPort,
    HostPort coordinator,
    Path criu,
    Path workFolder,
    Path filesFolder,
    Duration linkSilence,
    TlsConfig tls)
    implements ServiceConfig {
  @Override
  public Optional<String> ofNode() {
    return Optional.of(node);
  }
}
