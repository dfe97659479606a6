package io.longshore.platform.app;

import io.longshore.platform.tls.TlsConfig;
import java.util.Optional;

/** What the configuration of every service has. */
public interface ServiceConfig {
  /** How its connections are secured. */
  TlsConfig tls();

  /** The node that an agent is on, which its certificate must name; empty for other services. */
  default Optional<String> ofNode() {
    return Optional.empty();
  }
}
