package io.longshore.platform.rpc;

import io.grpc.Attributes;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.ServerTransportFilter;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.tls.Certificates;
import io.longshore.platform.tls.Credentials;
import io.longshore.platform.tls.Identity;
import io.longshore.platform.tls.Role;
import java.net.SocketAddress;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Optional;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;

/**
 * Who makes the call that a service handles.
 *
 * @param identity by its certificate; empty where there is no TLS, or if the certificate says none
 * @param encrypted whether there is TLS, so that a caller without an identity may do nothing
 * @param address where the caller's connection comes from
 * @param problem what is wrong with its certificate; empty if nothing
 */
public record Caller(
    Optional<Identity> identity, boolean encrypted, String address, String problem) {
  static final Context.Key<Caller> CONTEXT = Context.key("longshore-caller");
  private static final Attributes.Key<Caller> ATTRIBUTE = Attributes.Key.create("longshore-caller");

  /** Of the call that this thread handles a callback of; empty outside of calls. */
  public static Optional<Caller> current() {
    return Optional.ofNullable(CONTEXT.get());
  }

  /**
   * Refuses an agent that speaks for another node, or for another agent of its node. Where there is
   * no TLS, nobody is known and everybody believed.
   *
   * @throws LongshoreException WRONG_NODE
   */
  public static void mustBe(Role role, String node) {
    current()
        .flatMap(Caller::identity)
        .filter(identity -> identity.role() != role || !identity.name().equals(node))
        .ifPresent(
            identity -> {
              throw new LongshoreException(
                  Reason.WRONG_NODE,
                  "the certificate is that of %s, which cannot speak for %s/%s"
                      .formatted(identity, role, node));
            });
  }

  /** As the audit log names it. */
  @Override
  public String toString() {
    return identity.map(Identity::toString).orElse(encrypted ? "unknown" : "anybody");
  }

  static Caller of(Attributes attributes) {
    Caller known = attributes.get(ATTRIBUTE);
    return known == null ? new Caller(Optional.empty(), false, "in-process", "") : known;
  }

  /** Reads certificates once for each connection. */
  static ServerTransportFilter reader(Credentials credentials) {
    return new ServerTransportFilter() {
      @Override
      public Attributes transportReady(Attributes attributes) {
        return attributes.toBuilder().set(ATTRIBUTE, read(attributes, credentials)).build();
      }
    };
  }

  private static Caller read(Attributes attributes, Credentials credentials) {
    SocketAddress from = attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    String address = String.valueOf(from).replaceFirst("^.*/", "");
    SSLSession session = attributes.get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    if (session == null) {
      return new Caller(Optional.empty(), false, address, "");
    }
    try {
      X509Certificate[] chain =
          Arrays.stream(session.getPeerCertificates())
              .map(X509Certificate.class::cast)
              .toArray(X509Certificate[]::new);
      if (credentials instanceof Certificates certificates) {
        certificates.verifyCaller(chain);
      }
      return new Caller(Optional.of(Identity.of(chain[0])), true, address, "");
    } catch (SSLPeerUnverifiedException | CertificateException e) {
      return new Caller(Optional.empty(), true, address, String.valueOf(e.getMessage()));
    }
  }
}
