package io.longshore.platform.tls;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/** What one reading of the folder of {@link Certificates} found; whole and consistent. */
final class CertificateFiles {
  private static final String CERTIFICATE = "tls.crt";
  private static final String KEY_FILE = "tls.key";
  private static final String AUTHORITIES = "ca.crt";
  private static final Pattern KEY =
      Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----");
  private static final int LONGEST_FILE = 1 << 20;

  private final List<byte[]> contents;
  private final List<X509Certificate> chain;
  private final PrivateKey key;
  private final Identity identity;
  private final X509ExtendedTrustManager trust;

  private CertificateFiles(
      List<byte[]> contents,
      List<X509Certificate> chain,
      PrivateKey key,
      X509ExtendedTrustManager trust)
      throws CertificateException {
    this.contents = contents;
    this.chain = chain;
    this.key = key;
    this.identity = Identity.of(chain.getFirst());
    this.trust = trust;
  }

  /**
   * Reads and checks; whether the certificate is valid at this time is for peers to judge.
   *
   * @throws GeneralSecurityException naming the file that cannot be used
   */
  static CertificateFiles read(Path folder) throws GeneralSecurityException {
    return parse(folder, contents(folder));
  }

  /**
   * The same, unless the files are as they were when these were read: then these. That costs next
   * to nothing, so it can be done often.
   */
  CertificateFiles readAgain(Path folder) throws GeneralSecurityException {
    List<byte[]> now = contents(folder);
    for (int i = 0; i < contents.size(); i++) {
      if (!Arrays.equals(contents.get(i), now.get(i))) {
        return parse(folder, now);
      }
    }
    return this;
  }

  private static List<byte[]> contents(Path folder) throws GeneralSecurityException {
    return List.of(
        content(folder.resolve(CERTIFICATE)),
        content(folder.resolve(KEY_FILE)),
        content(folder.resolve(AUTHORITIES)));
  }

  private static CertificateFiles parse(Path folder, List<byte[]> contents)
      throws GeneralSecurityException {
    Path certificateFile = folder.resolve(CERTIFICATE);
    Path keyFile = folder.resolve(KEY_FILE);
    Path authoritiesFile = folder.resolve(AUTHORITIES);
    List<X509Certificate> chain = certificates(certificateFile, contents.get(0));
    PrivateKey key = key(keyFile, contents.get(1), chain.getFirst().getPublicKey());
    X509ExtendedTrustManager trust = trust(certificates(authoritiesFile, contents.get(2)));
    try {
      return new CertificateFiles(contents, chain, key, trust);
    } catch (CertificateException e) {
      throw new GeneralSecurityException(certificateFile + ": " + e.getMessage(), e);
    }
  }

  Identity identity() {
    return identity;
  }

  /** The certificate, then those between it and an authority. */
  List<X509Certificate> chain() {
    return chain;
  }

  PrivateKey key() {
    return key;
  }

  X509ExtendedTrustManager trust() {
    return trust;
  }

  /** Tells this certificate from others. */
  String alias() {
    return HexFormat.of().toHexDigits(chain.getFirst().hashCode());
  }

  /** For the log. */
  @Override
  public String toString() {
    return "%s, by the certificate %x that is valid until %s"
        .formatted(
            identity,
            chain.getFirst().getSerialNumber(),
            chain.getFirst().getNotAfter().toInstant());
  }

  private static byte[] content(Path file) throws GeneralSecurityException {
    try {
      if (Files.size(file) > LONGEST_FILE) {
        throw new GeneralSecurityException(file + " is too long for a PEM file");
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new GeneralSecurityException("cannot read " + file + ": " + e, e);
    }
  }

  private static List<X509Certificate> certificates(Path file, byte[] content)
      throws GeneralSecurityException {
    try {
      List<X509Certificate> found =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(content))
              .stream()
              .map(X509Certificate.class::cast)
              .toList();
      if (!found.isEmpty()) {
        return found;
      }
    } catch (CertificateException e) {
      throw new GeneralSecurityException(file + " has no certificates in PEM: " + e, e);
    }
    throw new GeneralSecurityException(file + " has no certificate");
  }

  private static PrivateKey key(Path file, byte[] content, PublicKey mate)
      throws GeneralSecurityException {
    Matcher pem = KEY.matcher(new String(content, StandardCharsets.US_ASCII));
    if (!pem.find()) {
      throw new GeneralSecurityException(
          file
              + " has no private key in PKCS #8 without a passphrase ('openssl pkcs8 -topk8"
              + " -nocrypt' makes one of other formats)");
    }
    try {
      byte[] encoded = Base64.getMimeDecoder().decode(pem.group(1));
      PrivateKey key =
          KeyFactory.getInstance(mate.getAlgorithm())
              .generatePrivate(new PKCS8EncodedKeySpec(encoded));
      checkPair(key, mate);
      return key;
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new GeneralSecurityException(
          file + " has not the key of the certificate beside it: " + e.getMessage(), e);
    }
  }

  private static void checkPair(PrivateKey key, PublicKey mate) throws GeneralSecurityException {
    String algorithm =
        switch (mate.getAlgorithm()) {
          case "EC" -> "SHA256withECDSA";
          case "RSA" -> "SHA256withRSA";
          case String other -> throw new InvalidKeyException("keys are EC or RSA, not " + other);
        };
    byte[] text = {1, 2, 3};
    Signature signature = Signature.getInstance(algorithm);
    signature.initSign(key);
    signature.update(text);
    byte[] signed = signature.sign();
    signature.initVerify(mate);
    signature.update(text);
    if (!signature.verify(signed)) {
      throw new InvalidKeyException("it does not belong to the certificate");
    }
  }

  private static X509ExtendedTrustManager trust(List<X509Certificate> authorities)
      throws GeneralSecurityException {
    try {
      KeyStore anchors = KeyStore.getInstance(KeyStore.getDefaultType());
      anchors.load(null, null);
      for (int i = 0; i < authorities.size(); i++) {
        Certificate authority = authorities.get(i);
        anchors.setCertificateEntry("authority-" + i, authority);
      }
      TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
      factory.init(anchors);
      for (TrustManager manager : factory.getTrustManagers()) {
        if (manager instanceof X509ExtendedTrustManager extended) {
          return extended;
        }
      }
    } catch (IOException e) {
      throw new GeneralSecurityException("cannot make a list of authorities", e);
    }
    throw new GeneralSecurityException("the JDK has no trust manager for PKIX");
  }
}
