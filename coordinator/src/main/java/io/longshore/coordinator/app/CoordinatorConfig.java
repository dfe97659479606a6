package io.longshore.coordinator.app;

import io.longshore.coordinator.migration.RetryPolicy;
import io.longshore.platform.app.ServiceConfig;
import io.longshore.platform.tls.TlsConfig;
import io.longshore.platform.value.HostPort;
import java.nio.file.Path;
import java.time.Duration;

/**
 * The section {@code coordinator} of the configuration.
 *
 * @param listen where callers and agents reach the coordinator
 * @param store the SQLite file
 * @param heartbeatInterval what agents are told: when to call again
 * @param heartbeatTimeout after which silence an agent is unavailable
 * @param agentCallTimeout for calls to agents that do not wait for memory or for CRIU
 * @param selfTest whether a node is tested when its agents have started
 * @param selfTestRuns migrations of one test
 * @param retry how failed calls to agents are repeated
 * @param tls how connections are secured
 */
public record CoordinatorConfig(
    HostPort listen,
    Path store,
    Duration heartbeatInterval,
    Duration heartbeatTimeout,
    Duration agentCallTimeout,
    boolean selfTest,
    int selfTestRuns,
    Retry retry,
    TlsConfig tls)
    implements ServiceConfig {

  /**
   * How failed calls to agents are repeated.
   *
   * @param patience how long an agent may be unreachable before the step, until the migration is
   *     rolled back
   * @param firstDelay wait before the first repetition
   * @param longestDelay bound of the wait
   */
  public record Retry(Duration patience, Duration firstDelay, Duration longestDelay) {
    RetryPolicy policy() {
      return new RetryPolicy(patience, firstDelay, longestDelay);
    }
  }

  public CoordinatorConfig {
    if (!heartbeatInterval.isPositive() || heartbeatTimeout.compareTo(heartbeatInterval) <= 0) {
      throw new IllegalArgumentException(
          "heartbeat-timeout ("
              + heartbeatTimeout
              + ") must be longer than heartbeat-interval ("
              + heartbeatInterval
              + "), and both positive");
    }
    if (selfTestRuns < 1 || selfTestRuns > 100) {
      throw new IllegalArgumentException(
          "self-test-runs must be 1 to 100, found "
              + selfTestRuns
              + "; self-test = off turns it off");
    }
    if (!agentCallTimeout.isPositive()) {
      throw new IllegalArgumentException(
          "agent-call-timeout must be positive: " + agentCallTimeout);
    }
  }
}
