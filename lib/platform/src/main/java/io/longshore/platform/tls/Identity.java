package io.longshore.platform.tls;

import java.security.cert.CertificateException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Who a certificate says that its holder is: its one URI of the scheme {@code longshore} among the
 * subject's alternative names, {@code longshore://source-agent/node-7}.
 *
 * @param role what it is
 * @param name of an agent: of its node; of anyone else: a name for the audit log
 */
public record Identity(Role role, String name) {
  private static final Pattern NAME =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?");
  private static final Pattern URI = Pattern.compile("longshore://([^/]*)/(.*)");
  private static final Integer URI_NAME = 6; // GeneralName of RFC 5280

  /** Refuses a name that no node can have. */
  public Identity {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException("not a name: '" + name + "'");
    }
  }

  /**
   * Reads it out of a certificate, which must have been verified before.
   *
   * @throws CertificateException if it says none, or several
   */
  public static Identity of(X509Certificate certificate) throws CertificateException {
    List<String> found = uris(certificate);
    if (found.size() != 1) {
      throw new CertificateException(
          "the certificate of '%s' has %s; one is expected, such as longshore://source-agent/NODE"
              .formatted(
                  certificate.getSubjectX500Principal(),
                  found.isEmpty() ? "no longshore:// URI" : "several longshore:// URIs"));
    }
    Matcher parts = URI.matcher(found.getFirst());
    if (parts.matches()) {
      Role role = Role.parse(parts.group(1)).orElse(null);
      if (role != null && NAME.matcher(parts.group(2)).matches()) {
        return new Identity(role, parts.group(2));
      }
    }
    throw new CertificateException(
        "the certificate of '%s' says %s, which is no role and name"
            .formatted(certificate.getSubjectX500Principal(), found.getFirst()));
  }

  /** As people and the audit log read it: {@code source-agent/node-7}. */
  @Override
  public String toString() {
    return role + "/" + name;
  }

  private static List<String> uris(X509Certificate certificate) throws CertificateParsingException {
    Collection<List<?>> names = certificate.getSubjectAlternativeNames();
    return names == null
        ? List.of()
        : names.stream()
            .filter(name -> URI_NAME.equals(name.getFirst()))
            .map(name -> String.valueOf(name.get(1)))
            .filter(uri -> uri.startsWith("longshore:"))
            .toList();
  }
}
