package io.longshore.platform.tls;

import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Optional;

/** Whom a client means to have reached. */
record ExpectedServer(Role role, Optional<String> node) implements CurrentTrustManager.Check {
  @Override
  public void check(X509Certificate certificate) throws CertificateException {
    Identity found = Identity.of(certificate);
    if (found.role() != role || node.filter(name -> !name.equals(found.name())).isPresent()) {
      throw new CertificateException(
          "the server is %s, not %s%s"
              .formatted(found, role, node.map(name -> "/" + name).orElse("")));
    }
  }
}
