package io.longshore.source.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.stub.StreamObserver;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.rpc.TransportTuning;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.longshore.source.pages.PageBatch;
import io.longshore.source.pages.PageRange;
import io.longshore.source.pages.Rounds;
import io.longshore.source.pages.TransferBrokenException;
import io.longshore.transfer.v1.Grant;
import io.longshore.transfer.v1.PageDemand;
import io.longshore.transfer.v1.SendImagesRequest;
import io.longshore.transfer.v1.SendImagesResponse;
import io.longshore.transfer.v1.SendPagesRequest;
import io.longshore.transfer.v1.SendPagesResponse;
import io.longshore.transfer.v1.ServeFaultsRequest;
import io.longshore.transfer.v1.ServeFaultsResponse;
import io.longshore.transfer.v1.StreamOpen;
import io.longshore.transfer.v1.TransferServiceGrpc;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Against a target of the test on a real port, which grants what the test says. */
@Timeout(60)
final class TransferClientTest {
  private static final StreamOpen OPEN =
      StreamOpen.newBuilder()
          .setMigrationId("m")
          .setEpoch(2)
          .setSecret(ByteString.copyFromUtf8("s"))
          .build();

  private final Target target = new Target();
  private final GrpcServer server =
      GrpcServer.builder("target", new HostPort("127.0.0.1", 0), new PlaintextOnLoopback())
          .tuning(TransportTuning.BULK.withDirectCallbacks(false))
          .patience(Duration.ofSeconds(1))
          .add(target)
          .build();
  private TransferClient client = client(new HostPort("127.0.0.1", 1));

  @BeforeEach
  void start() throws Exception {
    server.start();
    client.cancel();
    client = client(server.address());
  }

  @AfterEach
  void stop() throws Exception {
    client.cancel();
    server.stop();
  }

  @Test
  void opensEveryStreamWithTheSecret() throws Exception {
    target.grant(1);
    client.awaitOpen();
    assertThat(target.opens)
        .extracting(open -> open.toBuilder().clearNumber().build())
        .hasSize(4)
        .containsOnly(OPEN);
    assertThat(target.opens)
        .extracting(StreamOpen::getNumber)
        .containsExactlyInAnyOrder(1, 1, 1, 2);
    assertThat(client.bytesOnWire()).isPositive();
  }

  @Test
  void neverHasMoreOnItsWayThanWasGranted() throws Exception {
    target.grant(3 * 4096);
    client.awaitOpen();
    AtomicInteger sent = new AtomicInteger();
    Thread sender =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    for (int i = 0; i < 10; i++) {
                      client.pages().getFirst().send(batch(1, (byte) i));
                      sent.incrementAndGet();
                    }
                  } catch (InterruptedException | TransferBrokenException e) {
                    Thread.currentThread().interrupt();
                  }
                });
    await().until(() -> target.batches.size() == 3);
    await()
        .during(Duration.ofMillis(300))
        .until(() -> sent.get() == 3 && target.batches.size() == 3);
    target.grant(5 * 4096 + 4095);
    await().until(() -> target.batches.size() == 5);
    await().during(Duration.ofMillis(300)).until(() -> sent.get() == 5);
    target.grant(100 * 4096);
    assertThat(sender.join(Duration.ofSeconds(10))).isTrue();
    await().until(() -> target.batches.size() == 10);
    // Each batch left from the same reused array.
    for (int i = 0; i < 10; i++) {
      assertThat(target.batches.get(i).getBatch().getPayload().byteAt(4095)).isEqualTo((byte) i);
    }
  }

  @Test
  void cancelUnblocksWhoWaitsForAGrantThatNeverComes() throws Exception {
    target.grant(1);
    client.awaitOpen();
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    Thread sender =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    client.pages().getFirst().send(batch(1, (byte) 1));
                    end.complete(new AssertionError("sent without a grant"));
                  } catch (InterruptedException | RuntimeException e) {
                    end.complete(e);
                  }
                });
    await().until(() -> sender.getState() == Thread.State.WAITING);
    client.cancel();
    assertThat(end.get()).isInstanceOf(TransferBrokenException.class);
    assertThatThrownBy(() -> client.pages().getFirst().send(batch(1, (byte) 1)))
        .isInstanceOf(TransferBrokenException.class);
    assertThat(target.batches).isEmpty();
  }

  @Test
  void cancelUnblocksWhoWaitsForTheOpening() throws Exception {
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    Thread.ofPlatform()
        .start(
            () -> {
              try {
                client.awaitOpen();
                end.complete(new AssertionError("opened"));
              } catch (InterruptedException | RuntimeException e) {
                end.complete(e);
              }
            });
    await().until(() -> target.opens.size() == 4);
    client.cancel();
    assertThat(end.get()).isInstanceOf(TransferBrokenException.class);
  }

  @Test
  void aRefusalBreaksTheTransferWithTheTargetsWords() {
    target.refusing = true;
    // The streams of the other one may have been taken already.
    TransferClient refused = client(server.address());
    assertThatThrownBy(refused::awaitOpen)
        .isInstanceOf(TransferBrokenException.class)
        .hasMessageContaining("wrong secret, says this test");
    refused.cancel();
  }

  @Test
  void aTargetThatIsNotThereBreaksTheTransfer() {
    TransferClient nowhere = client(new HostPort("127.0.0.1", 1));
    assertThatThrownBy(nowhere::awaitOpen).isInstanceOf(TransferBrokenException.class);
    nowhere.cancel();
  }

  @Test
  void waitsUntilTheTargetHasStoredWhatWasSent() throws Exception {
    target.grant(1 << 20);
    client.awaitOpen();
    client.pages().getFirst().send(batch(4, (byte) 1));
    assertThat(client.pages().getFirst().storedPages()).isZero();
    Thread waiter =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    client.pages().getFirst().awaitStored();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
    assertThat(waiter.join(Duration.ofMillis(300))).isFalse();
    // More than was sent: not believed.
    target.grant(1 << 20, Long.MAX_VALUE);
    assertThat(waiter.join(Duration.ofSeconds(10))).isTrue();
    assertThat(client.pages().getFirst().storedPages()).isEqualTo(4);
  }

  @Test
  void passesDemandsOn() throws Exception {
    BlockingQueue<List<Object>> demands = new LinkedBlockingQueue<>();
    client.onDemand((vpid, page, count, again) -> demands.add(List.of(vpid, page, count, again)));
    target.grant(1 << 20);
    client.awaitOpen();
    target
        .faults
        .getFirst()
        .onNext(
            ServeFaultsResponse.newBuilder()
                .setDemand(
                    PageDemand.newBuilder().setVpid(5).setFirstPage(6).setCount(7).setAgain(true))
                .build());
    assertThat(demands.take()).containsExactly(5, 6L, 7, true);
  }

  @Test
  void sendsImagesWithTheirChecksumsAndWaitsForTheTargetToUnderstandThem() throws Exception {
    target.grant(1 << 20);
    client.awaitOpen();
    client.images().send("a.img", 0, new byte[] {9, 1, 2, 3, 4}, 1, 3, true);
    client.images().complete(1, 3, 2);
    await().until(() -> target.images.size() == 2);
    var chunk = target.images.getFirst().getChunk();
    CRC32C checksum = new CRC32C();
    checksum.update(new byte[] {1, 2, 3});
    assertThat(chunk.getData().toByteArray()).containsExactly(1, 2, 3);
    assertThat(chunk.getCrc32C()).isEqualTo((int) checksum.getValue());
    assertThat(chunk.getLast()).isTrue();
    target
        .imageResponses
        .getFirst()
        .onNext(SendImagesResponse.newBuilder().setComplete(true).build());
    client.images().awaitComplete();
    assertThat(target.images.getLast().getComplete().getRoundPages()).isEqualTo(2);
  }

  @Test
  void tellsWhichPagesToForgetInMessagesThatTheTargetTakes() throws Exception {
    target.grant(1 << 20);
    client.awaitOpen();
    List<Rounds.PageSpan> pages = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      pages.add(new Rounds.PageSpan(7, 3L * i, 2));
    }
    client.images().forget(pages);
    await().until(() -> target.images.size() == 2);
    assertThat(target.images.getFirst().getStale().getSpansCount()).isEqualTo(16_384);
    assertThat(target.images.getLast().getStale().getSpansCount()).isEqualTo(20_000 - 16_384);
    var last = target.images.getLast().getStale().getSpansList().getLast();
    assertThat(List.of((long) last.getVpid(), last.getFirstPage(), last.getCount()))
        .containsExactly(7L, 3L * 19_999, 2L);
  }

  private static TransferClient client(HostPort address) {
    return new TransferClient(
        new GrpcChannels(OpenTelemetry.noop(), new PlaintextOnLoopback()),
        address,
        OPEN,
        2,
        Duration.ofSeconds(4));
  }

  private final byte[] payload = new byte[1 << 20];

  private PageBatch batch(int pages, byte content) {
    Arrays.fill(payload, content);
    return new PageBatch(
        List.of(new PageBatch.Run(new PageRange(1, 2, 3, pages), false)),
        ByteBuffer.wrap(payload, 0, pages * 4096),
        0,
        pages,
        0,
        false);
  }

  private static final class Target extends TransferServiceGrpc.TransferServiceImplBase {
    final List<StreamOpen> opens = new CopyOnWriteArrayList<>();
    final List<SendPagesRequest> batches = new CopyOnWriteArrayList<>();
    final List<SendImagesRequest> images = new CopyOnWriteArrayList<>();
    final List<StreamObserver<SendPagesResponse>> pages = new CopyOnWriteArrayList<>();
    final List<StreamObserver<SendImagesResponse>> imageResponses = new CopyOnWriteArrayList<>();
    final List<StreamObserver<ServeFaultsResponse>> faults = new CopyOnWriteArrayList<>();
    volatile boolean refusing;

    void grant(long limit) {
      grant(limit, 0);
    }

    void grant(long limit, long stored) {
      await().until(() -> opens.size() >= 4);
      Grant grant = Grant.newBuilder().setLimitBytes(limit).setStoredBytes(stored).build();
      pages.forEach(s -> s.onNext(SendPagesResponse.newBuilder().setGrant(grant).build()));
      imageResponses.forEach(
          s -> s.onNext(SendImagesResponse.newBuilder().setGrant(grant).build()));
      faults.forEach(s -> s.onNext(ServeFaultsResponse.newBuilder().setGrant(grant).build()));
    }

    private void opened(StreamOpen open) {
      if (refusing) {
        throw new LongshoreException(Reason.WRONG_SECRET, "wrong secret, says this test");
      }
      opens.add(open);
    }

    @Override
    public StreamObserver<SendImagesRequest> sendImages(StreamObserver<SendImagesResponse> out) {
      imageResponses.add(out);
      return new Incoming<>(
          m -> {
            if (m.hasOpen()) {
              opened(m.getOpen());
            } else {
              images.add(m);
            }
          });
    }

    @Override
    public StreamObserver<SendPagesRequest> sendPages(StreamObserver<SendPagesResponse> out) {
      pages.add(out);
      return new Incoming<>(
          m -> {
            if (m.hasOpen()) {
              opened(m.getOpen());
            } else {
              batches.add(m);
            }
          });
    }

    @Override
    public StreamObserver<ServeFaultsRequest> serveFaults(StreamObserver<ServeFaultsResponse> out) {
      faults.add(out);
      return new Incoming<>(m -> opened(m.getOpen()));
    }
  }

  private record Incoming<Q>(java.util.function.Consumer<Q> to) implements StreamObserver<Q> {
    @Override
    public void onNext(Q message) {
      to.accept(message);
    }

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {}
  }
}
