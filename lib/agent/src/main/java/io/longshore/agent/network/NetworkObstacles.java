package io.longshore.agent.network;

import io.longshore.linux.network.ContainerNetwork;
import io.longshore.linux.network.NamespaceReader.Reading;
import io.longshore.linux.network.PreparedNamespace;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.util.List;

/** What keeps a container's network from moving. */
public final class NetworkObstacles {
  private NetworkObstacles() {}

  /** What the source's namespace has that cannot be made again. */
  public static List<Problem> ofSource(Reading reading) {
    return reading.unsupported().stream()
        .map(
            what ->
                new Problem(
                    Reason.NAMESPACE_UNSUPPORTED,
                    "the container's network namespace has %s, which cannot be made again on the target"
                        .formatted(what)))
        .toList();
  }

  /**
   * What this host lacks as the target. Changes nothing.
   *
   * @param network on the bridges that it shall have here
   */
  public static List<Problem> ofTarget(ContainerNetwork network) throws IOException {
    return PreparedNamespace.obstacles(network).stream()
        .map(
            what ->
                new Problem(
                    Reason.NETWORK_NOT_AVAILABLE,
                    "for the container's network on the target, " + what))
        .toList();
  }
}
