package io.longshore.platform.tls;

import io.longshore.platform.config.ConfigurationException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * The section {@code tls} of a service's configuration.
 *
 * @param folder with {@code tls.crt}, {@code tls.key} and {@code ca.crt}: see {@link Certificates}
 * @param reloadInterval how often the folder is looked at for new ones
 * @param plaintextOnLoopback to go without, on loopback addresses only
 */
public record TlsConfig(
    Optional<Path> folder, Duration reloadInterval, boolean plaintextOnLoopback) {
  /** Refuses what contradicts itself. */
  public TlsConfig {
    if (folder.isPresent() && plaintextOnLoopback) {
      throw new IllegalArgumentException(
          "folder and plaintext-on-loopback = true exclude each other");
    }
    if (!reloadInterval.isPositive()) {
      throw new IllegalArgumentException("reload-interval must be positive: " + reloadInterval);
    }
  }

  /**
   * The credentials of a service.
   *
   * @param service whose section this is; also the role that its certificate must have
   * @param node that an agent's certificate must name
   * @throws ConfigurationException if nothing was chosen, or the certificates cannot be used
   */
  public Credentials credentials(String service, Optional<String> node) {
    if (plaintextOnLoopback) {
      return new PlaintextOnLoopback();
    }
    Path from =
        folder.orElseThrow(
            () ->
                new ConfigurationException(
                    "%s: no certificates: set %s.tls.folder to a folder with tls.crt, tls.key and ca.crt (docs/operations.md says how to make them), or, to go without on loopback, %s.tls.plaintext-on-loopback = true"
                        .formatted(service, service, service)));
    Certificates certificates = Certificates.load(from);
    Identity identity = certificates.identity();
    if (!identity.role().toString().equals(service)
        || node.filter(name -> !name.equals(identity.name())).isPresent()) {
      throw new ConfigurationException(
          "%s: the certificate in %s is that of %s, not of %s%s"
              .formatted(service, from, identity, service, node.map(n -> "/" + n).orElse("")));
    }
    return certificates;
  }
}
