package io.longshore.source.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.longshore.linux.AnonymousMemory;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.rpc.TransportTuning;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.longshore.source.pages.Bandwidth;
import io.longshore.source.pages.PageChannel;
import io.longshore.source.pages.PagePush;
import io.longshore.source.pages.PageRange;
import io.longshore.source.pages.StalePages;
import io.longshore.source.pages.TransferBrokenException;
import io.longshore.transfer.v1.Grant;
import io.longshore.transfer.v1.PageBatch;
import io.longshore.transfer.v1.PageRun;
import io.longshore.transfer.v1.SendImagesRequest;
import io.longshore.transfer.v1.SendImagesResponse;
import io.longshore.transfer.v1.SendPagesRequest;
import io.longshore.transfer.v1.SendPagesResponse;
import io.longshore.transfer.v1.ServeFaultsRequest;
import io.longshore.transfer.v1.ServeFaultsResponse;
import io.longshore.transfer.v1.StreamOpen;
import io.longshore.transfer.v1.TransferServiceGrpc;
import io.opentelemetry.api.OpenTelemetry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A push over a link that is cut and mended, to a target of the test. */
@Timeout(60)
final class CutLinkTest {
  private static final int PAGES = 20_000;
  private static final int SELF = (int) ProcessHandle.current().pid();
  private static final long WINDOW = 4 << 20;
  private static final int STREAMS = 4;
  private static final StreamOpen OPEN =
      StreamOpen.newBuilder().setMigrationId("m").setEpoch(2).build();

  private final Target target = new Target();
  private final GrpcServer server =
      GrpcServer.builder("target", new HostPort("127.0.0.1", 0), new PlaintextOnLoopback())
          .tuning(TransportTuning.BULK.withDirectCallbacks(false))
          .patience(Duration.ofSeconds(1))
          .add(target)
          .build();
  private final AnonymousMemory memory = map();
  private final long first = memory.segment().address() / 4096;
  private final StalePages stale = new StalePages(List.of(new PageRange(7, SELF, first, PAGES)));
  private @Nullable CuttableLink made;
  private @Nullable TransferClient opened;

  @BeforeEach
  void start() throws Exception {
    for (int page = 0; page < PAGES; page++) {
      memory.segment().set(ValueLayout.JAVA_LONG, page * 4096L, page + 1);
    }
    server.start();
    made = new CuttableLink(server.address());
    opened =
        new TransferClient(
            new GrpcChannels(OpenTelemetry.noop(), new PlaintextOnLoopback()),
            link().address(),
            OPEN,
            2,
            Duration.ofSeconds(4));
    client().awaitOpen();
  }

  @AfterEach
  void stop() throws Exception {
    client().cancel();
    link().close();
    server.stop();
    memory.close();
  }

  @Test
  void aPushGoesOnFromWhatTheTargetHasAcknowledged() throws Exception {
    int cuts = 4;
    try (PagePush push = serve()) {
      CompletableFuture<Void> complete = push.start(false);
      for (int i = 1; i <= cuts; i++) {
        long enough = (long) PAGES * i / (cuts + 1);
        await().pollInterval(Duration.ofMillis(1)).until(() -> target.stored.get() >= enough);
        link().cut();
        await().until(() -> client().brokenFor().isPositive());
        assertThat(complete).isNotDone();
        link().mend();
      }
      complete.get(30, TimeUnit.SECONDS);
      assertThat(push.progress().stored()).isEqualTo(PAGES);
      assertThat(push.hasFailed()).isFalse();
    }
    assertThat(target.pages).hasSize(PAGES);
    target.pages.forEach((page, content) -> assertThat(content).isEqualTo(page - first + 1));
    assertThat(target.stored.get())
        .as("pages received, with those that were sent again")
        .isLessThanOrEqualTo(PAGES + WINDOW / 4096 * (STREAMS - 1) * cuts);
    // The push does not need the image stream, which may be the last to come back.
    await().until(() -> client().brokenFor().isZero());
  }

  @Test
  void itIsOpenedAgainWithItsNumberAndTheNewestEpoch() throws Exception {
    client().admit(5);
    client().admit(3);
    link().cut();
    await().until(() -> client().brokenFor().isPositive());
    link().mend();
    await().until(() -> target.opens.size() == 2 * STREAMS);
    assertThat(target.opens.subList(STREAMS, 2 * STREAMS))
        .extracting(StreamOpen::getEpoch)
        .containsOnly(5L);
    assertThat(target.opens.subList(STREAMS, 2 * STREAMS))
        .extracting(StreamOpen::getNumber)
        .containsExactlyInAnyOrder(1, 1, 1, 2);
  }

  @Test
  void theWaitForWhatWasSentEndsWhenTheTargetCanStoreNothingOfItAnyMore() throws Exception {
    PageChannel channel = client().pages().getFirst();
    List<PageRange> lost = new CopyOnWriteArrayList<>();
    channel.onLost(lost::addAll);
    target.storing = new CountDownLatch(1);
    PageRange page = new PageRange(7, SELF, first, 1);
    channel.send(
        new io.longshore.source.pages.PageBatch(
            List.of(new io.longshore.source.pages.PageBatch.Run(page, false)),
            java.nio.ByteBuffer.allocate(4096),
            0,
            1,
            0,
            true));
    CompletableFuture<Boolean> stored = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                channel.awaitStored();
                stored.complete(true);
              } catch (InterruptedException | RuntimeException e) {
                stored.completeExceptionally(e);
              }
            });
    link().cut();
    await().until(() -> !lost.isEmpty());
    assertThat(lost).containsExactly(page);
    assertThat(stored).isNotDone();
    link().mend();
    assertThat(stored.get(30, TimeUnit.SECONDS)).isTrue();
    assertThat(target.opens).hasSizeGreaterThan(STREAMS);
    target.storing.countDown();
  }

  @Test
  void aRefusalIsForGood() throws Exception {
    try (PagePush push = serve()) {
      target.storing = new CountDownLatch(1);
      CompletableFuture<Void> complete = push.start(false);
      await().until(() -> stale.left() < PAGES);
      target.refusal = Reason.NOT_FOUND;
      link().cut();
      link().mend();
      assertThatThrownBy(() -> complete.get(30, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasRootCauseInstanceOf(StatusRuntimeException.class)
          .hasStackTraceContaining("refused by this test");
      target.storing.countDown();
    }
    await().until(() -> target.refused.get() == STREAMS);
    int connections = link().connections();
    await()
        .during(Duration.ofSeconds(2))
        .atMost(Duration.ofSeconds(10))
        .until(() -> link().connections() == connections);
  }

  @Test
  void anOlderEpochWaitsForTheNewerOne() throws Exception {
    target.refusal = Reason.STALE_EPOCH;
    link().cut();
    link().mend();
    await().until(() -> target.refused.get() >= STREAMS);
    client().admit(3);
    target.refusal = null;
    await().until(() -> client().brokenFor().isZero());
    assertThat(target.opens.getLast().getEpoch()).isEqualTo(3);
  }

  @Test
  void cancellingEndsTheWaitForTheLink() throws Exception {
    link().cut();
    await().until(() -> client().brokenFor().isPositive());
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    Thread sender =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    client()
                        .pages()
                        .getFirst()
                        .send(
                            new io.longshore.source.pages.PageBatch(
                                List.of(), java.nio.ByteBuffer.allocate(0), 0, 0, 0, false));
                    end.complete(new AssertionError("sent over a link that is cut"));
                  } catch (InterruptedException | RuntimeException e) {
                    end.complete(e);
                  }
                });
    await().until(() -> sender.getState() == Thread.State.WAITING);
    client().cancel();
    assertThat(end.get()).isInstanceOf(TransferBrokenException.class);
    link().mend();
    int connections = link().connections();
    await()
        .during(Duration.ofSeconds(2))
        .atMost(Duration.ofSeconds(10))
        .until(() -> link().connections() == connections);
  }

  private static AnonymousMemory map() {
    try {
      return AnonymousMemory.map(PAGES * 4096L);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private CuttableLink link() {
    return Objects.requireNonNull(made);
  }

  private TransferClient client() {
    return Objects.requireNonNull(opened);
  }

  private PagePush serve() {
    PagePush push = new PagePush(stale, client().pages(), client().faults(), new Bandwidth(0));
    client().onDemand(push::demand);
    return push;
  }

  /** Stores pages, and grants as a target does. */
  private static final class Target extends TransferServiceGrpc.TransferServiceImplBase {
    final List<StreamOpen> opens = new CopyOnWriteArrayList<>();
    final Map<Long, Long> pages = new ConcurrentHashMap<>();
    final AtomicLong stored = new AtomicLong();
    final AtomicLong refused = new AtomicLong();
    volatile CountDownLatch storing = new CountDownLatch(0);
    volatile @Nullable Reason refusal;

    @Override
    public StreamObserver<SendImagesRequest> sendImages(StreamObserver<SendImagesResponse> out) {
      Received received =
          new Received(
              grant -> out.onNext(SendImagesResponse.newBuilder().setGrant(grant).build()));
      return incoming(request -> received.open(request.getOpen()));
    }

    @Override
    public StreamObserver<SendPagesRequest> sendPages(StreamObserver<SendPagesResponse> out) {
      Received received =
          new Received(grant -> out.onNext(SendPagesResponse.newBuilder().setGrant(grant).build()));
      return incoming(
          request -> {
            if (request.hasOpen()) {
              received.open(request.getOpen());
            } else {
              awaitStoring();
              received.take(request.getBatch());
            }
          });
    }

    @Override
    public StreamObserver<ServeFaultsRequest> serveFaults(StreamObserver<ServeFaultsResponse> out) {
      Received received =
          new Received(
              grant -> out.onNext(ServeFaultsResponse.newBuilder().setGrant(grant).build()));
      return incoming(
          request -> {
            if (request.hasOpen()) {
              received.open(request.getOpen());
            } else {
              received.take(request.getBatch());
            }
          });
    }

    private void awaitStoring() {
      try {
        storing.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    private static <Q> StreamObserver<Q> incoming(Consumer<Q> to) {
      return new StreamObserver<>() {
        @Override
        public void onNext(Q message) {
          to.accept(message);
        }

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onCompleted() {}
      };
    }

    private final class Received {
      private final Consumer<Grant> grants;
      private long bytes;

      Received(Consumer<Grant> grants) {
        this.grants = grants;
      }

      void open(StreamOpen open) {
        Reason reason = refusal;
        if (reason != null) {
          refused.incrementAndGet();
          throw new LongshoreException(reason, "refused by this test");
        }
        grant();
        opens.add(open);
      }

      void take(PageBatch batch) {
        var payload = batch.getPayload().asReadOnlyByteBuffer().order(ByteOrder.nativeOrder());
        int at = 0;
        for (PageRun run : batch.getRunsList()) {
          for (int i = 0; i < run.getCount(); i++) {
            pages.put(run.getFirstPage() + i, payload.getLong(at));
            at += 4096;
          }
          stored.addAndGet(run.getCount());
        }
        bytes += at;
        grant();
      }

      private void grant() {
        grants.accept(
            Grant.newBuilder().setLimitBytes(bytes + WINDOW).setStoredBytes(bytes).build());
      }
    }
  }
}
