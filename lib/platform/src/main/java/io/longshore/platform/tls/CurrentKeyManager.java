package io.longshore.platform.tls;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * Shows the certificate of the moment, whatever a peer wishes: there is no other. The alias tells
 * one reading of the files from the next, so that a handshake during a reload gets key and
 * certificate of one pair.
 */
final class CurrentKeyManager extends X509ExtendedKeyManager {
  private final Supplier<CertificateFiles> current;
  private final Function<String, CertificateFiles> named;

  /**
   * @param named the files of an alias, if it is not too old; else the current
   */
  CurrentKeyManager(Supplier<CertificateFiles> current, Function<String, CertificateFiles> named) {
    this.current = current;
    this.named = named;
  }

  @Override
  public X509Certificate[] getCertificateChain(@Nullable String alias) {
    return named.apply(String.valueOf(alias)).chain().toArray(X509Certificate[]::new);
  }

  @Override
  public PrivateKey getPrivateKey(@Nullable String alias) {
    return named.apply(String.valueOf(alias)).key();
  }

  @Override
  public String chooseEngineClientAlias(
      String @Nullable [] keyTypes, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
    return current.get().alias();
  }

  @Override
  public @Nullable String chooseEngineServerAlias(
      @Nullable String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
    return ofType(keyType) ? current.get().alias() : null;
  }

  @Override
  public String chooseClientAlias(
      String @Nullable [] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return current.get().alias();
  }

  @Override
  public @Nullable String chooseServerAlias(
      @Nullable String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return ofType(keyType) ? current.get().alias() : null;
  }

  @Override
  public String[] getClientAliases(@Nullable String keyType, Principal @Nullable [] issuers) {
    return new String[] {current.get().alias()};
  }

  @Override
  public String[] getServerAliases(@Nullable String keyType, Principal @Nullable [] issuers) {
    return new String[] {current.get().alias()};
  }

  private boolean ofType(@Nullable String keyType) {
    return keyType == null || keyType.startsWith(current.get().key().getAlgorithm());
  }
}
