package io.longshore.platform.tls;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Verifies with the authorities of the moment, then checks the peer's own certificate. Only for TLS
 * engines, as Netty uses: without one there is no host name to compare.
 */
final class CurrentTrustManager extends X509ExtendedTrustManager {
  /** What must hold of a certificate that is valid. */
  interface Check {
    void check(X509Certificate certificate) throws CertificateException;
  }

  private final Supplier<X509ExtendedTrustManager> current;
  private final Check check;

  CurrentTrustManager(Supplier<X509ExtendedTrustManager> current, Check check) {
    this.current = current;
    this.check = check;
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    current.get().checkClientTrusted(chain, authType, engine);
    check.check(chain[0]);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    if (!"HTTPS".equals(engine.getSSLParameters().getEndpointIdentificationAlgorithm())) {
      throw new CertificateException("the host name of the server would not be compared");
    }
    current.get().checkServerTrusted(chain, authType, engine);
    check.check(chain[0]);
  }

  /** None: a list that clients are sent when they connect would be that of the start. */
  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw onlyForEngines();
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw onlyForEngines();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    throw onlyForEngines();
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    throw onlyForEngines();
  }

  private static CertificateException onlyForEngines() {
    return new CertificateException("only connections of TLS engines are verified");
  }
}
