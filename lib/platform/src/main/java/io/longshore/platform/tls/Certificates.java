package io.longshore.platform.tls;

import io.longshore.platform.config.ConfigurationException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * The certificates of a program, out of a folder: {@code tls.crt}, its certificate and those
 * between it and an authority; {@code tls.key}, the certificate's private key (PKCS #8); {@code
 * ca.crt}, the authorities that it trusts. All PEM.
 *
 * <p>What is handed out here follows {@link #reload}: connections made after it use what was read,
 * connections that are open go on. Thread-safe.
 */
public final class Certificates implements Credentials {
  private final Path folder;
  private final ReentrantLock reloading = new ReentrantLock();
  private volatile CertificateFiles current;
  // For handshakes that began before the last reload.
  private volatile CertificateFiles previous;

  private Certificates(Path folder, CertificateFiles current) {
    this.folder = folder;
    this.current = current;
    this.previous = current;
  }

  /**
   * Reads a folder.
   *
   * @throws ConfigurationException naming the file, if it cannot be used
   */
  public static Certificates load(Path folder) {
    try {
      return new Certificates(folder, CertificateFiles.read(folder));
    } catch (GeneralSecurityException e) {
      throw new ConfigurationException(String.valueOf(e.getMessage()), e);
    }
  }

  /** Who this program is. It stays so: a reload does not take a certificate for someone else. */
  public Identity identity() {
    return current.identity();
  }

  /**
   * Reads the folder again.
   *
   * @return whether its files have changed, and the new ones are in use
   * @throws GeneralSecurityException if they cannot be used, or not together, which may be so
   *     between the replacement of one and of the next; those in use stay
   */
  public boolean reload() throws GeneralSecurityException {
    reloading.lock();
    try {
      CertificateFiles before = current;
      CertificateFiles now = before.readAgain(folder);
      if (now == before) {
        return false;
      }
      if (!now.identity().equals(before.identity())) {
        throw new GeneralSecurityException(
            "the new certificate is for " + now.identity() + ", this is " + before.identity());
      }
      previous = before;
      current = now;
      return true;
    } finally {
      reloading.unlock();
    }
  }

  /** Shows this program's certificate. */
  public X509ExtendedKeyManager keyManager() {
    return new CurrentKeyManager(() -> current, this::named);
  }

  /** Trusts whom an authority has given a certificate; who may do what is decided per call. */
  public X509ExtendedTrustManager trustCallers() {
    return new CurrentTrustManager(() -> current.trust(), _ -> {});
  }

  /**
   * Trusts only a server with the host name or address that was called, and with this role.
   *
   * @param node an agent's node; empty: of any
   */
  public X509ExtendedTrustManager trustServer(Role role, Optional<String> node) {
    return new CurrentTrustManager(() -> current.trust(), new ExpectedServer(role, node));
  }

  /**
   * Verifies a caller's certificate by the authorities and the time of now: a session that TLS
   * resumes was verified when it began, perhaps before the last reload.
   *
   * @throws CertificateException if it is not trusted
   */
  public void verifyCaller(X509Certificate[] chain) throws CertificateException {
    current.trust().checkClientTrusted(chain, chain[0].getPublicKey().getAlgorithm());
  }

  /** Who this is and how long the certificate is valid, for the log. */
  @Override
  public String toString() {
    return current.toString();
  }

  private CertificateFiles named(String alias) {
    CertificateFiles before = previous;
    return before.alias().equals(alias) ? before : current;
  }
}
