package io.longshore.platform.rpc;

import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.OpenSslSessionContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.longshore.platform.tls.Certificates;
import io.longshore.platform.tls.Role;
import java.util.Optional;
import javax.net.ssl.SSLException;

/**
 * TLS as all connections have it: version 1.3, AES-GCM, both sides with a certificate. By
 * BoringSSL, which comes with Netty, where that runs, for its speed; else by the JDK.
 */
final class SslContexts {
  private static final String VERSION = "TLSv1.3";

  private SslContexts() {}

  static SslContext server(Certificates certificates) {
    return build(
        SslContextBuilder.forServer(certificates.keyManager())
            .trustManager(certificates.trustCallers())
            .clientAuth(ClientAuth.REQUIRE));
  }

  /** Only for servers of this role and, if given, node. */
  static SslContext client(Certificates certificates, Role role, Optional<String> node) {
    return build(
        SslContextBuilder.forClient()
            .keyManager(certificates.keyManager())
            .trustManager(certificates.trustServer(role, node)));
  }

  private static SslContext build(SslContextBuilder builder) {
    try {
      SslContext context = GrpcSslContexts.configure(builder).protocols(VERSION).build();
      if (context.sessionContext() instanceof OpenSslSessionContext sessions) {
        // A session that is resumed is not verified again.
        sessions.setSessionCacheEnabled(false);
      }
      return context;
    } catch (SSLException e) {
      throw new IllegalStateException("cannot set TLS up", e);
    }
  }
}
