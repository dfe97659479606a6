package io.longshore.platform.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.grpc.CallOptions;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.OpenSsl;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.longshore.platform.config.ConfigurationException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.tls.Authority;
import io.longshore.platform.tls.Certificates;
import io.longshore.platform.tls.Credentials;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.tls.Role;
import io.longshore.platform.value.HostPort;
import io.longshore.v1.CancelMigrationRequest;
import io.longshore.v1.CancelMigrationResponse;
import io.longshore.v1.GetMigrationRequest;
import io.longshore.v1.GetMigrationResponse;
import io.longshore.v1.MigrationServiceGrpc;
import io.longshore.v1.MigrationServiceGrpc.MigrationServiceBlockingStub;
import io.opentelemetry.api.OpenTelemetry;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

/** On a real port, with certificates of a real authority. */
@Timeout(60)
final class TlsTest {
  private static final HostPort ANY = new HostPort("127.0.0.1", 0);

  @TempDir private static Path folder;
  private static Authority authority;
  private static Authority other;

  private static final MethodDescriptor<GetMigrationRequest, GetMigrationResponse> UNLISTED =
      MigrationServiceGrpc.getGetMigrationMethod().toBuilder()
          .setFullMethodName("longshore.v1.Unlisted/Get")
          .setSchemaDescriptor(null)
          .build();

  private final ListAppender<ILoggingEvent> audit = new ListAppender<>();
  private final AtomicInteger handled = new AtomicInteger();
  private final List<Optional<Caller>> callers = new CopyOnWriteArrayList<>();
  private final List<String> ciphers = new CopyOnWriteArrayList<>();
  private final List<AutoCloseable> open = new ArrayList<>();
  private Path serverFolder;
  private Certificates serverCertificates;
  private HostPort address;

  @BeforeAll
  static void makeAuthorities() {
    authority = Authority.in(folder, "authority");
    other = Authority.in(folder, "other");
  }

  @BeforeEach
  void startServer() throws Exception {
    audit.start();
    ((Logger) LoggerFactory.getLogger(AuditLog.LOGGER)).addAppender(audit);
    serverFolder = authority.issue(Role.COORDINATOR, "c");
    serverCertificates = Certificates.load(serverFolder);
    address = start(serverCertificates);
  }

  @AfterEach
  void close() throws Exception {
    ((Logger) LoggerFactory.getLogger(AuditLog.LOGGER)).detachAppender(audit);
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
  }

  @Test
  void letsAnOperatorInAndKnowsWhoItIs() {
    client(authority.issue(Role.OPERATOR, "alice")).getMigration(id());

    assertThat(callers)
        .singleElement()
        .satisfies(
            caller -> {
              assertThat(caller.orElseThrow()).hasToString("operator/alice");
              assertThat(caller.orElseThrow().address()).startsWith("127.0.0.1:");
            });
  }

  @Test
  void usesAesOf128BitsByBoringSsl() {
    client(authority.issue(Role.OPERATOR, "alice")).getMigration(id());

    assertThat(OpenSsl.isAvailable()).isTrue();
    assertThat(OpenSsl.versionString()).isEqualTo("BoringSSL");
    assertThat(ciphers).containsExactly("TLSv1.3 TLS_AES_128_GCM_SHA256");
  }

  @ParameterizedTest
  @EnumSource(names = {"COORDINATOR", "SOURCE_AGENT", "TARGET_AGENT"})
  void refusesARoleThatMayNotMakeTheCall(Role role) {
    var client = client(authority.issue(role, "n"));

    assertRefused(
        () -> client.getMigration(id()), Status.Code.PERMISSION_DENIED, Reason.NOT_ALLOWED);
    assertThat(handled).hasValue(0);
  }

  @Test
  void refusesACallThatIsNotInTheTable() {
    ManagedChannel channel = channel(authority.issue(Role.OPERATOR, "alice"));

    assertRefused(
        () -> ClientCalls.blockingUnaryCall(channel, UNLISTED, CallOptions.DEFAULT, id()),
        Status.Code.PERMISSION_DENIED,
        Reason.NOT_ALLOWED);
    assertThat(handled).hasValue(0);
  }

  @Test
  void writesALineForACallThatChangesSomething() {
    client(authority.issue(Role.OPERATOR, "alice"))
        .cancelMigration(CancelMigrationRequest.newBuilder().setMigrationId("m-1\nx").build());

    assertThat(audit.list)
        .singleElement()
        .extracting(ILoggingEvent::getFormattedMessage)
        .asString()
        .matches(
            "operator/alice from 127\\.0\\.0\\.1:[0-9]+ called"
                + " longshore\\.v1\\.MigrationService/CancelMigration for migration m-1\\?x: OK");
  }

  @Test
  void writesALineForACallThatIsRefused() {
    var client = client(authority.issue(Role.SOURCE_AGENT, "a"));
    assertThatThrownBy(() -> client.getMigration(id())).isInstanceOf(StatusRuntimeException.class);

    assertThat(audit.list)
        .singleElement()
        .extracting(ILoggingEvent::getFormattedMessage)
        .asString()
        .startsWith("source-agent/a from 127.0.0.1:")
        .contains("MigrationService/GetMigration: PERMISSION_DENIED (source-agent/a may not call");
  }

  @Test
  void writesNoLineForACallThatLooks() {
    client(authority.issue(Role.OPERATOR, "alice")).getMigration(id());

    assertThat(audit.list).isEmpty();
  }

  @Test
  void refusesACertificateWithoutARole() {
    var client = stub(foreign(authority.issue("nobody", 1, "DNS:localhost")));

    assertRefused(() -> client.getMigration(id()), Status.Code.UNAUTHENTICATED, Reason.NO_IDENTITY);
    assertThat(handled).hasValue(0);
  }

  @Test
  void refusesACertificateWithTwoRoles() {
    Path both =
        authority.issue("both", 1, "URI:longshore://operator/a", "URI:longshore://source-agent/a");

    assertRefused(
        () -> stub(foreign(both)).getMigration(id()),
        Status.Code.UNAUTHENTICATED,
        Reason.NO_IDENTITY);
    assertThat(handled).hasValue(0);
  }

  @Test
  void isNotStartedItselfWithACertificateWithoutARole() {
    Path nobody = authority.issue("nobody", 1, "DNS:localhost");

    assertThatThrownBy(() -> Certificates.load(nobody))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("tls.crt: the certificate of 'CN=nobody' has no longshore:// URI");
  }

  @Test
  void doesNotConnectWithAnExpiredCertificate() {
    assertDoesNotConnect(client(authority.issueExpired(Role.OPERATOR, "alice")));
  }

  @Test
  void doesNotConnectWithACertificateOfAnotherAuthority() throws Exception {
    Path stranger = other.issue(Role.OPERATOR, "alice");
    Files.copy(
        authority.certificate(), stranger.resolve("ca.crt"), StandardCopyOption.REPLACE_EXISTING);

    assertDoesNotConnect(client(stranger));
  }

  @Test
  void doesNotConnectWithoutACertificate() {
    assertDoesNotConnect(
        stub(foreign(GrpcSslContexts.forClient().trustManager(authority.certificate().toFile()))));
  }

  @Test
  void doesNotConnectWithoutTls() {
    ManagedChannel channel =
        new GrpcChannels(OpenTelemetry.noop(), new PlaintextOnLoopback())
            .open(Destination.coordinator(address), "test");
    open.add(() -> GrpcChannels.close(channel, Duration.ofMillis(200)));

    assertDoesNotConnect(stub(channel));
  }

  @Test
  void servesOthersWhileAThousandConnectionsSayNothing() throws Exception {
    for (int i = 0; i < 1000; i++) {
      Socket silent = new Socket(address.host(), address.port());
      open.add(silent);
    }

    client(authority.issue(Role.OPERATOR, "alice")).getMigration(id());
    assertThat(handled).hasValue(1);
  }

  /** What a client refuses. */
  @Nested
  class Servers {
    @Test
    void ofAnotherRole() throws Exception {
      address = start(Certificates.load(authority.issue(Role.TARGET_AGENT, "b")));

      assertDoesNotConnect(client(authority.issue(Role.OPERATOR, "alice")))
          .hasRootCauseMessage("the server is target-agent/b, not coordinator")
          .extracting(
              failure -> RemoteCalls.failure("the coordinator", (StatusRuntimeException) failure))
          .hasToString(
              "io.longshore.platform.error.LongshoreException: Cannot reach the coordinator: no TLS"
                  + " connection: the server is target-agent/b, not coordinator");
    }

    @Test
    void ofAnotherNode() throws Exception {
      address = start(Certificates.load(authority.issue(Role.SOURCE_AGENT, "b")));
      Certificates own = Certificates.load(authority.issue(Role.COORDINATOR, "x"));

      assertDoesNotConnect(stub(channel(own, Destination.agent(Role.SOURCE_AGENT, "a", address))))
          .hasRootCauseMessage("the server is source-agent/b, not source-agent/a");
    }

    @Test
    void atAnotherAddress() throws Exception {
      address =
          start(
              Certificates.load(
                  authority.issue("elsewhere", 1, "URI:longshore://coordinator/c", "IP:10.9.9.9")));

      assertDoesNotConnect(client(authority.issue(Role.OPERATOR, "alice")))
          .rootCause()
          .hasMessageContaining("127.0.0.1");
    }

    @Test
    void whoseCertificateHasExpired() throws Exception {
      address = start(Certificates.load(authority.issueExpired(Role.COORDINATOR, "c")));

      assertDoesNotConnect(client(authority.issue(Role.OPERATOR, "alice")));
    }

    @Test
    void ofAnotherAuthority() throws Exception {
      address = start(Certificates.load(other.issue(Role.COORDINATOR, "c")));

      assertDoesNotConnect(client(authority.issue(Role.OPERATOR, "alice")));
    }
  }

  /** Certificates that are replaced while a server runs. */
  @Nested
  class Reloading {
    @Test
    void trustsANewAuthorityAndNoLongerTheOldOne() throws Exception {
      Path alice = authority.issue(Role.OPERATOR, "alice");
      client(alice).getMigration(id());
      Path renewed = other.issue(Role.COORDINATOR, "c");
      replace(renewed, serverFolder);

      assertThat(serverCertificates.reload()).isTrue();

      client(other.issue(Role.OPERATOR, "bob")).getMigration(id());
      assertDoesNotConnect(client(alice));
      Path trusting = folder.resolve("trusting");
      Files.createDirectories(trusting);
      replace(alice, trusting);
      Files.copy(
          other.certificate(), trusting.resolve("ca.crt"), StandardCopyOption.REPLACE_EXISTING);
      assertDoesNotConnect(client(trusting));
    }

    @Test
    void doesNotLetAnybodyInByASessionOfBefore() throws Exception {
      // Netty's own clients resume sessions.
      Path alice = authority.issue(Role.OPERATOR, "alice");
      SslContext resuming =
          GrpcSslContexts.forClient()
              .trustManager(authority.certificate().toFile())
              .keyManager(alice.resolve("tls.crt").toFile(), alice.resolve("tls.key").toFile())
              .build();
      stub(foreign(resuming)).getMigration(id());
      Files.copy(
          other.certificate(), serverFolder.resolve("ca.crt"), StandardCopyOption.REPLACE_EXISTING);
      assertThat(serverCertificates.reload()).isTrue();

      MigrationServiceBlockingStub again = stub(foreign(resuming));
      assertThat(
              catchThrowableOfType(StatusRuntimeException.class, () -> again.getMigration(id()))
                  .getStatus()
                  .getCode())
          .isIn(Status.Code.UNAVAILABLE, Status.Code.UNAUTHENTICATED);
      assertThat(handled).hasValue(1);
    }

    @Test
    void isSeenByAChannelWhenItConnectsAgain() throws Exception {
      Path alice = authority.issue(Role.OPERATOR, "alice");
      Certificates own = Certificates.load(alice);
      ManagedChannel channel = channel(own, Destination.coordinator(address));
      stub(channel).getMigration(id());
      open.removeFirst().close();
      replace(other.issue(Role.COORDINATOR, "c"), serverFolder);
      assertThat(serverCertificates.reload()).isTrue();
      replace(other.issue(Role.OPERATOR, "alice"), alice);
      assertThat(own.reload()).isTrue();
      start(serverCertificates, address);

      stub(channel).withWaitForReady().getMigration(id());
      assertThat(handled).hasValue(2);
    }

    @Test
    void keepsWhatItHasIfTheFilesDoNotFitTogether() throws Exception {
      Path renewed = authority.issue("renewed", 1, Authority.uri(Role.COORDINATOR, "c"));
      Files.copy(
          renewed.resolve("tls.key"),
          serverFolder.resolve("tls.key"),
          StandardCopyOption.REPLACE_EXISTING);

      assertThatThrownBy(serverCertificates::reload)
          .hasMessageContaining("tls.key has not the key of the certificate beside it");
      client(authority.issue(Role.OPERATOR, "alice")).getMigration(id());
    }

    @Test
    void keepsWhatItHasIfTheNewCertificateIsForSomebodyElse() throws Exception {
      replace(authority.issue(Role.COORDINATOR, "d"), serverFolder);

      assertThatThrownBy(serverCertificates::reload)
          .hasMessage("the new certificate is for coordinator/d, this is coordinator/c");
    }

    private static void replace(Path from, Path to) throws Exception {
      for (String file : List.of("tls.crt", "tls.key", "ca.crt")) {
        Files.copy(from.resolve(file), to.resolve(file), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  /** No certificates. */
  @Nested
  class WithoutTls {
    @Test
    void listensOnLoopbackOnly() {
      GrpcServer server =
          GrpcServer.builder("agent", new HostPort("0.0.0.0", 0), new PlaintextOnLoopback())
              .build();

      assertThatThrownBy(server::start)
          .isInstanceOf(ConfigurationException.class)
          .hasMessageStartingWith("agent would listen on 0.0.0.0:0 without TLS");
    }

    @Test
    void connectsToLoopbackOnly() {
      GrpcChannels channels = new GrpcChannels(OpenTelemetry.noop(), new PlaintextOnLoopback());

      for (String host : List.of("10.77.0.2", "127.0.0.1.example.org", "node-b", "::2")) {
        assertThatThrownBy(
                () -> channels.open(Destination.coordinator(new HostPort(host, 1)), "test"))
            .isInstanceOf(ConfigurationException.class)
            .hasMessageContaining("without TLS");
      }
    }

    @Test
    void everybodyMayCallAndNobodyIsKnown() throws Exception {
      address = start(new PlaintextOnLoopback());
      ManagedChannel channel = channel(new PlaintextOnLoopback(), Destination.coordinator(address));

      stub(channel).getMigration(id());
      assertThat(callers).singleElement().extracting(Optional::orElseThrow).hasToString("anybody");
    }
  }

  private HostPort start(Credentials credentials) throws Exception {
    return start(credentials, ANY);
  }

  private HostPort start(Credentials credentials, HostPort where) throws Exception {
    GrpcServer server =
        GrpcServer.builder("test", where, credentials)
            .add(
                ServerServiceDefinition.builder("longshore.v1.Unlisted")
                    .addMethod(
                        UNLISTED,
                        ServerCalls.asyncUnaryCall(
                            (_, answer) -> {
                              handled.incrementAndGet();
                              answer.onCompleted();
                            }))
                    .build())
            .add(
                ServerInterceptors.intercept(
                    new Migrations(),
                    new io.grpc.ServerInterceptor() {
                      @Override
                      public <Q, R> io.grpc.ServerCall.Listener<Q> interceptCall(
                          io.grpc.ServerCall<Q, R> call,
                          io.grpc.Metadata headers,
                          io.grpc.ServerCallHandler<Q, R> next) {
                        var session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
                        if (session != null) {
                          ciphers.add(session.getProtocol() + " " + session.getCipherSuite());
                        }
                        return next.startCall(call, headers);
                      }
                    }))
            .patience(Duration.ofMillis(200))
            .build();
    server.start();
    open.add(server::stop);
    return server.address();
  }

  private MigrationServiceBlockingStub client(Path certificates) {
    return stub(channel(certificates));
  }

  private ManagedChannel channel(Path certificates) {
    return channel(Certificates.load(certificates), Destination.coordinator(address));
  }

  /** Someone who does not use our own classes. */
  private ManagedChannel foreign(Path certificates) {
    return foreign(
        GrpcSslContexts.forClient()
            .trustManager(authority.certificate().toFile())
            .keyManager(
                certificates.resolve("tls.crt").toFile(),
                certificates.resolve("tls.key").toFile()));
  }

  private ManagedChannel foreign(SslContextBuilder tls) {
    try {
      return foreign(tls.build());
    } catch (SSLException e) {
      throw new AssertionError(e);
    }
  }

  private ManagedChannel foreign(SslContext tls) {
    ManagedChannel channel =
        NettyChannelBuilder.forTarget("dns:///" + address).sslContext(tls).build();
    open.add(() -> GrpcChannels.close(channel, Duration.ofMillis(200)));
    return channel;
  }

  private ManagedChannel channel(Credentials credentials, Destination to) {
    ManagedChannel channel = new GrpcChannels(OpenTelemetry.noop(), credentials).open(to, "test");
    open.add(() -> GrpcChannels.close(channel, Duration.ofMillis(200)));
    return channel;
  }

  private static MigrationServiceBlockingStub stub(ManagedChannel channel) {
    return MigrationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(Duration.ofSeconds(10));
  }

  private org.assertj.core.api.AbstractThrowableAssert<?, ? extends Throwable> assertDoesNotConnect(
      MigrationServiceBlockingStub client) {
    int before = handled.get();
    StatusRuntimeException failure =
        catchThrowableOfType(StatusRuntimeException.class, () -> client.getMigration(id()));
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(handled).hasValue(before);
    return assertThat(failure);
  }

  private static void assertRefused(Runnable call, Status.Code code, Reason reason) {
    StatusRuntimeException failure = catchThrowableOfType(StatusRuntimeException.class, call::run);
    assertThat(failure.getStatus().getCode()).isEqualTo(code);
    assertThat(StatusMapper.fromStatus(failure).reason()).isEqualTo(reason);
  }

  private static GetMigrationRequest id() {
    return GetMigrationRequest.newBuilder().setMigrationId("m-1").build();
  }

  private final class Migrations extends MigrationServiceGrpc.MigrationServiceImplBase {
    @Override
    public void getMigration(
        GetMigrationRequest request, StreamObserver<GetMigrationResponse> answer) {
      handled.incrementAndGet();
      callers.add(Caller.current());
      answer.onNext(GetMigrationResponse.getDefaultInstance());
      answer.onCompleted();
    }

    @Override
    public void cancelMigration(
        CancelMigrationRequest request, StreamObserver<CancelMigrationResponse> answer) {
      handled.incrementAndGet();
      answer.onNext(CancelMigrationResponse.getDefaultInstance());
      answer.onCompleted();
    }
  }
}
