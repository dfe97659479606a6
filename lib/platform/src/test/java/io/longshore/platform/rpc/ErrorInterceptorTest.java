package io.longshore.platform.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.longshore.transfer.v1.SendPagesRequest;
import io.longshore.transfer.v1.SendPagesResponse;
import io.longshore.transfer.v1.TransferServiceGrpc;
import io.longshore.v1.GetMigrationRequest;
import io.longshore.v1.GetMigrationResponse;
import io.longshore.v1.MigrationServiceGrpc;
import io.longshore.v1.WatchMigrationRequest;
import io.longshore.v1.WatchMigrationResponse;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** Over a real port, as services see it. */
@Timeout(60)
final class ErrorInterceptorTest {
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private final Logger logger = (Logger) LoggerFactory.getLogger(ErrorInterceptor.class);
  private AutoCloseable server = () -> {};
  private AutoCloseable channel = () -> {};

  @BeforeEach
  void captureTheLog() {
    logged.start();
    logger.addAppender(logged);
  }

  @AfterEach
  void close() throws Exception {
    channel.close();
    server.close();
    logger.detachAppender(logged);
  }

  @Nested
  final class AUnaryCall {
    @Test
    void failsWithTheReasonThatWasThrown() {
      LongshoreException failure =
          get(
              answers -> {
                throw new LongshoreException(Reason.NOT_FOUND, "no migration m1")
                    .with("migration", "m1");
              });

      assertThat(failure.reason()).isEqualTo(Reason.NOT_FOUND);
      assertThat(failure).hasMessage("no migration m1");
      assertThat(failure.metadata()).containsEntry("migration", "m1");
      assertThat(logged.list).isEmpty();
    }

    @Test
    void failsWithTheReasonGivenToOnError() {
      LongshoreException failure =
          get(answers -> answers.onError(new LongshoreException(Reason.STALE_EPOCH, "3 is old")));

      assertThat(failure.reason()).isEqualTo(Reason.STALE_EPOCH);
    }

    @Test
    void failsWithTheReasonThatAnotherServiceGave() {
      LongshoreException failure =
          get(
              answers -> {
                throw StatusMapper.toStatus(
                    new LongshoreException(Reason.CRIU_DUMP_FAILED, "criu said no")
                        .withCriuLog(java.util.List.of("Error (a.c:1)")));
              });

      assertThat(failure.reason()).isEqualTo(Reason.CRIU_DUMP_FAILED);
      assertThat(failure.criuLog()).containsExactly("Error (a.c:1)");
    }

    @Test
    void hidesTheUnexpectedAndLogsItOnceUnderTheIdThatTheCallerSees() {
      LongshoreException failure =
          get(
              answers -> {
                throw new IllegalStateException("secret path /etc/x");
              });

      assertThat(failure.reason()).isEqualTo(Reason.INTERNAL);
      assertThat(failure.getMessage()).doesNotContain("secret");
      assertThat(logged.list).hasSize(1);
      ILoggingEvent event = logged.list.getFirst();
      assertThat(event.getThrowableProxy().getMessage()).contains("secret");
      String id = String.valueOf(event.getArgumentArray()[0]);
      assertThat(failure.getMessage()).contains(id);
    }

    @Test
    void hidesTheUnexpectedGivenToOnError() {
      LongshoreException failure = get(answers -> answers.onError(new Exception("secret")));

      assertThat(failure.reason()).isEqualTo(Reason.INTERNAL);
      assertThat(failure.getMessage()).doesNotContain("secret");
      assertThat(logged.list).hasSize(1);
    }

    @Test
    void keepsTheAnswerIfTheServiceFailsAfterIt() {
      MigrationServiceGrpc.MigrationServiceBlockingStub stub =
          MigrationServiceGrpc.newBlockingStub(
              serve(
                  gets(
                      answers -> {
                        answers.onNext(GetMigrationResponse.getDefaultInstance());
                        answers.onCompleted();
                        throw new IllegalStateException("after the end");
                      })));

      assertThat(stub.getMigration(GetMigrationRequest.getDefaultInstance())).isNotNull();
    }
  }

  @Nested
  final class AServerStream {
    @Test
    void failsWithTheReasonAfterWhatWasSent() {
      Iterator<WatchMigrationResponse> answers =
          MigrationServiceGrpc.newBlockingStub(
                  serve(
                      watches(
                          observer -> {
                            observer.onNext(WatchMigrationResponse.getDefaultInstance());
                            throw new LongshoreException(Reason.WORKLOAD_LOST, "gone");
                          })))
              .watchMigration(WatchMigrationRequest.getDefaultInstance());

      assertThat(answers.next()).isNotNull();
      assertThatThrownBy(answers::hasNext)
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              e -> assertThat(StatusMapper.fromStatus(e).reason()).isEqualTo(Reason.WORKLOAD_LOST));
    }

    @Test
    void dropsWhatTheServiceSendsAfterItFailed() throws Exception {
      BlockingQueue<String> events = new LinkedBlockingQueue<>();
      Iterator<WatchMigrationResponse> answers =
          MigrationServiceGrpc.newBlockingStub(
                  serve(
                      watches(
                          observer -> {
                            Thread.ofVirtual().start(() -> sendUntilCancelled(observer, events));
                            throw new LongshoreException(Reason.WORKLOAD_LOST, "gone");
                          })))
              .watchMigration(WatchMigrationRequest.getDefaultInstance());

      assertThatThrownBy(() -> answers.forEachRemaining(answer -> {}))
          .isInstanceOf(StatusRuntimeException.class);
      assertThat(events.poll(10, TimeUnit.SECONDS)).isEqualTo("sent all");
    }

    private void sendUntilCancelled(
        StreamObserver<WatchMigrationResponse> observer, BlockingQueue<String> events) {
      try {
        for (int i = 0; i < 1000; i++) {
          observer.onNext(WatchMigrationResponse.getDefaultInstance());
        }
        events.add("sent all");
      } catch (RuntimeException e) {
        events.add(e.toString());
      }
    }
  }

  @Nested
  final class ABidirectionalStream {
    @Test
    void failsWithTheReasonThrownByACallbackForAMessage() throws Exception {
      assertThat(endOf(Reason.BAD_CHECKSUM, true).reason()).isEqualTo(Reason.BAD_CHECKSUM);
    }

    @Test
    void failsWithTheReasonThrownByTheCallbackForTheEnd() throws Exception {
      assertThat(endOf(Reason.MALFORMED_STREAM, false).reason()).isEqualTo(Reason.MALFORMED_STREAM);
    }

    private LongshoreException endOf(Reason reason, boolean atMessage) throws Exception {
      BlockingQueue<Throwable> ends = new LinkedBlockingQueue<>();
      StreamObserver<SendPagesRequest> requests =
          TransferServiceGrpc.newStub(serve(pages(reason, atMessage)))
              .sendPages(
                  new StreamObserver<>() {
                    @Override
                    public void onNext(SendPagesResponse value) {}

                    @Override
                    public void onError(Throwable t) {
                      ends.add(t);
                    }

                    @Override
                    public void onCompleted() {
                      ends.add(new AssertionError("completed"));
                    }
                  });
      requests.onNext(SendPagesRequest.getDefaultInstance());
      requests.onCompleted();
      Throwable end = ends.poll(10, TimeUnit.SECONDS);
      assertThat(end).isInstanceOf(StatusRuntimeException.class);
      return StatusMapper.fromStatus((StatusRuntimeException) end);
    }
  }

  @Test
  void isQuietAboutWhatFailsInACancelledCall() throws Exception {
    BlockingQueue<String> events = new LinkedBlockingQueue<>();
    Iterator<WatchMigrationResponse> answers =
        MigrationServiceGrpc.newBlockingStub(
                serve(
                    watches(
                        observer -> {
                          ((ServerCallStreamObserver<WatchMigrationResponse>) observer)
                              .setOnCancelHandler(
                                  () -> {
                                    events.add("cancelled");
                                    throw new IllegalStateException("too late");
                                  });
                          observer.onNext(WatchMigrationResponse.getDefaultInstance());
                        })))
            .withDeadlineAfter(Duration.ofMillis(300))
            .watchMigration(WatchMigrationRequest.getDefaultInstance());

    assertThatThrownBy(() -> answers.forEachRemaining(answer -> {}))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED));
    assertThat(events.poll(10, TimeUnit.SECONDS)).isEqualTo("cancelled");
    assertThat(logged.list).isEmpty();
  }

  private LongshoreException get(Consumer<StreamObserver<GetMigrationResponse>> behaviour) {
    MigrationServiceGrpc.MigrationServiceBlockingStub stub =
        MigrationServiceGrpc.newBlockingStub(serve(gets(behaviour)));
    return catchThrowableOfType(
        LongshoreException.class,
        () ->
            RemoteCalls.call(
                "the test server",
                () -> stub.getMigration(GetMigrationRequest.getDefaultInstance())));
  }

  private ManagedChannel serve(BindableService service) {
    GrpcServer started =
        GrpcServer.builder("test", new HostPort("127.0.0.1", 0), new PlaintextOnLoopback())
            .add(service)
            .patience(Duration.ofMillis(200))
            .build();
    server = started::stop;
    try {
      started.start();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    ManagedChannel opened =
        new GrpcChannels(OpenTelemetry.noop(), new PlaintextOnLoopback())
            .open(Destination.coordinator(started.address()), "test-client");
    channel = () -> GrpcChannels.close(opened, Duration.ofMillis(200));
    return opened;
  }

  private static BindableService gets(Consumer<StreamObserver<GetMigrationResponse>> behaviour) {
    return new MigrationServiceGrpc.MigrationServiceImplBase() {
      @Override
      public void getMigration(
          GetMigrationRequest request, StreamObserver<GetMigrationResponse> observer) {
        behaviour.accept(observer);
      }
    };
  }

  private static BindableService watches(
      Consumer<StreamObserver<WatchMigrationResponse>> behaviour) {
    return new MigrationServiceGrpc.MigrationServiceImplBase() {
      @Override
      public void watchMigration(
          WatchMigrationRequest request, StreamObserver<WatchMigrationResponse> observer) {
        behaviour.accept(observer);
      }
    };
  }

  private static BindableService pages(Reason reason, boolean atMessage) {
    Function<StreamObserver<SendPagesResponse>, StreamObserver<SendPagesRequest>> behaviour =
        responses ->
            new StreamObserver<>() {
              @Override
              public void onNext(SendPagesRequest value) {
                if (atMessage) {
                  throw new LongshoreException(reason, "a message");
                }
              }

              @Override
              public void onError(Throwable t) {}

              @Override
              public void onCompleted() {
                throw new LongshoreException(reason, "the end");
              }
            };
    return new TransferServiceGrpc.TransferServiceImplBase() {
      @Override
      public StreamObserver<SendPagesRequest> sendPages(
          StreamObserver<SendPagesResponse> responses) {
        return behaviour.apply(responses);
      }
    };
  }
}
