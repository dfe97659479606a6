package io.longshore.target.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.criu.CriuVersion;
import io.longshore.criu.image.Pagemap;
import io.longshore.criu.image.PagemapEntry;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFolder;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.Destination;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.rpc.TransportTuning;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.longshore.target.arrival.Arrival;
import io.longshore.target.arrival.ArrivalNotes;
import io.longshore.target.arrival.Arrivals;
import io.longshore.target.files.TestFiles;
import io.longshore.target.images.ImageFolder;
import io.longshore.target.network.TestAddresses;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageRange;
import io.longshore.target.pages.PageStore;
import io.longshore.target.restore.Restoration;
import io.longshore.target.runtime.PlainProcesses;
import io.longshore.transfer.v1.HeldPacket;
import io.longshore.transfer.v1.ImageChunk;
import io.longshore.transfer.v1.ImagesComplete;
import io.longshore.transfer.v1.KeptPages;
import io.longshore.transfer.v1.PageBatch;
import io.longshore.transfer.v1.PageEncoding;
import io.longshore.transfer.v1.PageRun;
import io.longshore.transfer.v1.PageSpan;
import io.longshore.transfer.v1.SendImagesRequest;
import io.longshore.transfer.v1.SendImagesResponse;
import io.longshore.transfer.v1.SendPagesRequest;
import io.longshore.transfer.v1.SendPagesResponse;
import io.longshore.transfer.v1.ServeFaultsRequest;
import io.longshore.transfer.v1.ServeFaultsResponse;
import io.longshore.transfer.v1.StreamOpen;
import io.longshore.transfer.v1.TransferServiceGrpc;
import io.opentelemetry.api.OpenTelemetry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.zip.Adler32;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
final class TransferRpcTest {
  private static final int VPID = 77;
  private static final long FIRST = 0x1000;
  private static final int PAGES = 5000;
  private static final long WINDOW = 4 << 20;
  private static final long IMAGE_LIMIT = 4 << 20;
  private static final MigrationRef REF = new MigrationRef("m-1", 3);

  private final TestAddresses packets = new TestAddresses();
  private final GrpcChannels channels =
      new GrpcChannels(OpenTelemetry.noop(), new PlaintextOnLoopback());
  private final Arrivals arrivals = new Arrivals((ref, facts, promised) -> arrival(ref));
  private final GrpcServer server =
      GrpcServer.builder("transfer", new HostPort("127.0.0.1", 0), new PlaintextOnLoopback())
          .tuning(TransportTuning.BULK.withDirectCallbacks(false))
          .patience(Duration.ofSeconds(1))
          .add(new TransferRpc(arrivals, TestFiles.none()))
          .build();

  @TempDir Path folder;
  private PageStore pages = new PageStore(PAGES * 4096L);
  private Demands demands = new Demands();
  private ManagedChannel channel =
      channels.open(Destination.targetAgent(new HostPort("127.0.0.1", 1)), "none");
  private ByteString secret = ByteString.EMPTY;

  @BeforeEach
  void start() throws Exception {
    server.start();
    channel.shutdownNow();
    channel = channels.open(Destination.targetAgent(server.address()), "test");
    secret =
        ByteString.copyFrom(
            arrivals
                .prepare(
                    REF, new WorkloadFacts("", List.of(), List.of(), List.of(), 0, 0, List.of()))
                .secret());
  }

  @AfterEach
  void stop() throws Exception {
    channel.shutdownNow();
    server.stop();
    arrivals.stop();
  }

  @Test
  void takesImagesAndThenThePagesTheyAnnounce() throws Exception {
    sendGoodImages();
    assertThat(pages.stalePages()).isEqualTo(PAGES);
    PageStream stream = new PageStream(open());
    assertThat(stream.peer.response().getGrant().getLimitBytes()).isEqualTo(WINDOW);
    stream.requests.onNext(batch(raw(FIRST, 2), zero(FIRST + 2, 100)));
    stream.requests.onNext(batch());
    SendPagesResponse stored = stream.peer.response();
    assertThat(stored.getGrant().getStoredBytes()).isEqualTo(102 * 4096);
    assertThat(stored.getGrant().getLimitBytes()).isEqualTo(WINDOW + 102 * 4096);
    assertThat(pages.stalePages()).isEqualTo(PAGES - 102);
    stream.requests.onCompleted();
    assertThatThrownBy(stream.peer::reason).hasMessageContaining("ended well");
  }

  @Test
  void tellsWhatIsStoredWhenHalfOfTheWindowIs() throws Exception {
    sendGoodImages();
    PageStream stream = new PageStream(open());
    assertThat(stream.peer.response().getGrant().getLimitBytes()).isEqualTo(WINDOW);
    for (int i = 0; i < 11; i++) {
      stream.requests.onNext(batch(zero(FIRST + i * 256L, 256)));
    }
    for (int half = 1; half <= 5; half++) {
      assertThat(stream.peer.response().getGrant().getStoredBytes()).isEqualTo(half * WINDOW / 2);
    }
    stream.requests.onNext(batch());
    assertThat(stream.peer.response().getGrant().getStoredBytes()).isEqualTo(11 << 20);
    assertThat(stream.peer.responses).isEmpty();
  }

  @Test
  void asksForPagesOverTheFaultStreamAndTakesThem() throws Exception {
    sendGoodImages();
    Peer<ServeFaultsRequest, ServeFaultsResponse> peer = new Peer<>();
    StreamObserver<ServeFaultsRequest> requests =
        TransferServiceGrpc.newStub(channel).serveFaults(peer);
    requests.onNext(ServeFaultsRequest.newBuilder().setOpen(open()).build());
    assertThat(peer.response().hasGrant()).isTrue();
    requests.onNext(
        ServeFaultsRequest.newBuilder().setBatch(batch(raw(FIRST, 1)).getBatch()).build());
    requests.onNext(
        ServeFaultsRequest.newBuilder().setBatch(batch(raw(FIRST + 1, 1)).getBatch()).build());
    requests.onNext(ServeFaultsRequest.newBuilder().setBatch(batch().getBatch()).build());
    assertThat(peer.response().getGrant().getStoredBytes()).as("told once").isEqualTo(2 * 4096);
    assertThat(pages.stalePages()).isEqualTo(PAGES - 2);
    requests.onCompleted();
    assertThatThrownBy(peer::reason).hasMessageContaining("ended well");
  }

  @Test
  void tellsHowLongThereIsNobodyToAskForPages() throws Exception {
    assertThat(demands.cutFor()).as("before there was one").isZero();
    StreamOpen first = open().toBuilder().setNumber(1).build();
    FaultStream stream = new FaultStream(first);
    assertThat(stream.peer.response().hasGrant()).isTrue();
    FaultStream again = new FaultStream(first);
    assertThat(again.peer.response().hasGrant()).isTrue();
    assertThatThrownBy(stream.peer::reason).hasStackTraceContaining("opened again");
    assertThat(demands.cutFor()).isZero();
    channel.shutdownNow();
    await().until(() -> demands.cutFor().compareTo(Duration.ofMillis(10)) > 0);
    channel = channels.open(Destination.targetAgent(server.address()), "test");
    assertThat(new FaultStream(first).peer.response().hasGrant()).isTrue();
    assertThat(demands.cutFor()).isZero();
  }

  @Test
  void aStreamThatIsOpenedAgainTakesTheOldOnesPlace() throws Exception {
    sendGoodImages();
    StreamOpen first = open().toBuilder().setNumber(1).build();
    PageStream old = new PageStream(first);
    PageStream other = new PageStream(first.toBuilder().setNumber(2).build());
    assertThat(old.peer.response().hasGrant()).isTrue();
    assertThat(other.peer.response().hasGrant()).isTrue();
    PageStream again = new PageStream(first);
    assertThat(again.peer.response().getGrant().getLimitBytes()).isEqualTo(WINDOW);
    assertThatThrownBy(old.peer::reason).hasStackTraceContaining("opened again");
    for (PageStream stream : List.of(again, other)) {
      stream.requests.onNext(batch(zero(FIRST, 1)));
      stream.requests.onNext(batch());
      assertThat(stream.peer.response().getGrant().getStoredBytes()).isEqualTo(4096);
    }
  }

  @Test
  void keepsPacketsThatWereHeld() throws Exception {
    ImageStream images = new ImageStream(open());
    images.send(
        SendImagesRequest.newBuilder()
            .setPacket(HeldPacket.newBuilder().setPacket(ByteString.copyFromUtf8("ip")))
            .build());
    await().until(() -> packets.held() == 1);
    images.send(
        SendImagesRequest.newBuilder()
            .setPacket(HeldPacket.newBuilder().setPacket(ByteString.copyFrom(new byte[65537])))
            .build());
    assertThat(images.peer.reason()).isEqualTo(Reason.MALFORMED_STREAM);
    assertThat(packets.held()).isEqualTo(1);
  }

  @Test
  void anEpochOfAStreamDoesNotShutTheCoordinatorOut() throws Exception {
    StreamOpen newer = open().toBuilder().setEpoch(Long.MAX_VALUE).build();
    assertThat(new PageStream(newer.toBuilder().setSecret(ByteString.EMPTY).build()).peer.reason())
        .isEqualTo(Reason.WRONG_SECRET);
    assertThat(new PageStream(newer).peer.response().hasGrant()).isTrue();
    assertThat(arrivals.get(REF)).isNotNull();
  }

  record Refused(String name, StreamOpen open, Reason reason) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<Refused> openings() {
    StreamOpen good = StreamOpen.newBuilder().setMigrationId("m-1").setEpoch(3).build();
    ByteString other = ByteString.copyFrom(new byte[32]);
    return List.of(
        new Refused("no secret", good, Reason.WRONG_SECRET),
        new Refused("wrong secret", good.toBuilder().setSecret(other).build(), Reason.WRONG_SECRET),
        new Refused("unknown", good.toBuilder().setMigrationId("m-2").build(), Reason.NOT_FOUND),
        new Refused("stale", good.toBuilder().setEpoch(2).build(), Reason.STALE_EPOCH),
        new Refused("no epoch", good.toBuilder().setEpoch(0).build(), Reason.INVALID_ARGUMENT),
        new Refused(
            "path", good.toBuilder().setMigrationId("../m").build(), Reason.INVALID_ARGUMENT));
  }

  @ParameterizedTest
  @MethodSource("openings")
  void refusesToOpen(Refused refused) throws Exception {
    assertThat(new PageStream(refused.open()).peer.reason()).isEqualTo(refused.reason());
    assertThat(new ImageStream(refused.open()).peer.reason()).isEqualTo(refused.reason());
    stillTakesAGoodStream();
  }

  record BadPages(String name, List<SendPagesRequest> messages, Reason reason) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<BadPages> badPages() {
    SendPagesRequest good = batch(raw(FIRST, 2));
    PageRun run = raw(FIRST, 1);
    return List.of(
        bad("empty message", Reason.MALFORMED_STREAM, SendPagesRequest.getDefaultInstance()),
        bad("checksum", Reason.BAD_CHECKSUM, with(good, 1, good.getBatch().getPayload())),
        bad(
            "too long",
            Reason.MALFORMED_STREAM,
            sealed(good, good.getBatch().getPayload().concat(ByteString.copyFrom(new byte[1])))),
        bad(
            "too short",
            Reason.MALFORMED_STREAM,
            sealed(good, ByteString.copyFrom(new byte[4096]))),
        bad("no payload", Reason.MALFORMED_STREAM, sealed(good, ByteString.EMPTY)),
        bad("before", Reason.PAGE_NOT_ANNOUNCED, batch(raw(FIRST - 1, 1))),
        bad("over the end", Reason.PAGE_NOT_ANNOUNCED, batch(raw(FIRST + PAGES - 1, 2))),
        bad("second of two", Reason.PAGE_NOT_ANNOUNCED, batch(run, zero(FIRST + PAGES, 1))),
        bad("negative page", Reason.PAGE_NOT_ANNOUNCED, batch(raw(-1, 1))),
        bad("page 2^63-1", Reason.PAGE_NOT_ANNOUNCED, batch(zero(Long.MAX_VALUE, 1))),
        bad("process", Reason.PAGE_NOT_ANNOUNCED, batch(run.toBuilder().setVpid(5).build())),
        bad(
            "encoding 0",
            Reason.MALFORMED_STREAM,
            batch(run.toBuilder().setEncoding(PageEncoding.PAGE_ENCODING_UNSPECIFIED).build())),
        bad(
            "encoding 9",
            Reason.MALFORMED_STREAM,
            batch(run.toBuilder().setEncodingValue(9).build())),
        bad("no pages", Reason.MALFORMED_STREAM, batch(zero(FIRST, 0))),
        bad("count -1", Reason.MALFORMED_STREAM, batch(zero(FIRST, -1))),
        bad("a huge count", Reason.CREDIT_EXCEEDED, batch(zero(FIRST, Integer.MAX_VALUE))),
        bad("more than granted", Reason.CREDIT_EXCEEDED, batch(zero(FIRST, 4097))),
        bad("payload over 1 MiB", Reason.MALFORMED_STREAM, batch(raw(FIRST, 257))));
  }

  @ParameterizedTest
  @MethodSource("badPages")
  void endsAPageStreamWithTheFirstThingWrong(BadPages bad) throws Exception {
    sendGoodImages();
    PageStream stream = new PageStream(open());
    assertThat(stream.peer.response().hasGrant()).isTrue();
    bad.messages().forEach(stream.requests::onNext);
    // What follows is not looked at any more.
    stream.requests.onNext(batch(zero(FIRST + 10, 1)));
    assertThat(stream.peer.reason()).isEqualTo(bad.reason());
    assertThat(pages.stalePages()).isEqualTo(PAGES);
    assertThat(pages.heldBytes()).isZero();
    stillTakesPages();
  }

  @Test
  void refusesWhatComesBeforeItIsOpenedAndASecondOpening() throws Exception {
    Peer<SendPagesRequest, SendPagesResponse> peer = new Peer<>();
    TransferServiceGrpc.newStub(channel).sendPages(peer).onNext(batch(raw(FIRST, 1)));
    assertThat(peer.reason()).isEqualTo(Reason.MALFORMED_STREAM);
    PageStream stream = new PageStream(open());
    stream.requests.onNext(SendPagesRequest.newBuilder().setOpen(open()).build());
    assertThat(stream.peer.reason()).isEqualTo(Reason.MALFORMED_STREAM);
    stillTakesAGoodStream();
  }

  record BadImages(String name, Reason reason, List<SendImagesRequest> messages) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<BadImages> badImages() {
    byte[] one = {1};
    return List.of(
        new BadImages(
            "gap",
            Reason.MALFORMED_STREAM,
            List.of(chunk("a.img", 0, one, false), chunk("a.img", 2, one, true))),
        new BadImages(
            "again",
            Reason.MALFORMED_STREAM,
            List.of(chunk("a.img", 0, one, true), chunk("a.img", 1, one, true))),
        new BadImages("no start", Reason.MALFORMED_STREAM, List.of(chunk("a.img", 7, one, true))),
        new BadImages("negative", Reason.MALFORMED_STREAM, List.of(chunk("a.img", -1, one, true))),
        new BadImages("checksum", Reason.BAD_CHECKSUM, List.of(badChunk())),
        new BadImages("too many bytes", Reason.OUT_OF_MEMORY, tooMuch()),
        new BadImages(
            "over 1 MiB",
            Reason.MALFORMED_STREAM,
            List.of(chunk("a.img", 0, new byte[(1 << 20) + 1], true))),
        new BadImages(
            "count",
            Reason.MALFORMED_STREAM,
            List.of(chunk("a.img", 0, one, true), complete(2, 1))),
        new BadImages(
            "bytes",
            Reason.MALFORMED_STREAM,
            List.of(chunk("a.img", 0, one, true), complete(1, 2))),
        new BadImages(
            "unfinished",
            Reason.MALFORMED_STREAM,
            List.of(chunk("a.img", 0, one, false), complete(1, 1))),
        new BadImages(
            "no pstree",
            Reason.MALFORMED_STREAM,
            List.of(chunk("a.img", 0, one, true), complete(1, 1))),
        new BadImages(
            "no image",
            Reason.MALFORMED_STREAM,
            List.of(chunk("pstree.img", 0, one, true), complete(1, 1))),
        new BadImages(
            "kept pages that did not come",
            Reason.MALFORMED_STREAM,
            List.of(kept("a.img", 0, 99, 1))),
        new BadImages("kept nothing", Reason.MALFORMED_STREAM, List.of(kept("a.img", 0, 99, 0))),
        new BadImages("kept less", Reason.MALFORMED_STREAM, List.of(kept("a.img", 0, 99, -1))),
        new BadImages(
            "kept too much at once", Reason.MALFORMED_STREAM, List.of(kept("a.img", 0, 99, 257))),
        new BadImages(
            "kept beyond all",
            Reason.MALFORMED_STREAM,
            List.of(kept("a.img", 0, 99, Long.MAX_VALUE))),
        new BadImages(
            "kept outside of memory",
            Reason.MALFORMED_STREAM,
            List.of(kept("a.img", 0, Long.MAX_VALUE, 2))),
        new BadImages(
            "empty", Reason.MALFORMED_STREAM, List.of(SendImagesRequest.getDefaultInstance())));
  }

  @ParameterizedTest
  @MethodSource("badImages")
  void endsAnImageStreamWithTheFirstThingWrong(BadImages bad) throws Exception {
    ImageStream images = new ImageStream(open());
    bad.messages().forEach(images::send);
    assertThat(images.peer.reason()).isEqualTo(bad.reason());
    assertThat(images.peer.responses).noneMatch(SendImagesResponse::getComplete);
    assertThat(pages.stalePages()).isZero();
  }

  @Test
  void anImageCanHoldWhatCameInARound() throws Exception {
    byte[] content = new byte[3 * 4096];
    new java.util.Random(8).nextBytes(content);
    StreamOpen open = open();
    ByteBuffer direct = ByteBuffer.allocateDirect(content.length).put(content).flip();
    pages.keepOfRound(42, new PageRange(99, 3), direct);
    pages.keepZeroOfRound(42, new PageRange(102, 1));
    ImageStream images = new ImageStream(open);
    images.send(chunk("pages-1.img", 0, new byte[] {7}, false));
    // Two pages, one that came as zeros, and two of zeros that never came.
    byte[] expected = new byte[1 + 5 * 4096];
    expected[0] = 7;
    System.arraycopy(content, 4096, expected, 1, 2 * 4096);
    SendImagesRequest kept = kept("pages-1.img", 1, 100, 3);
    CRC32 crc = new CRC32();
    crc.update(expected, 1, 5 * 4096);
    Adler32 sum = new Adler32();
    sum.update(expected, 1, 5 * 4096);
    images.send(
        kept.toBuilder()
            .setKept(
                kept.getKept().toBuilder()
                    .addPages(PageSpan.newBuilder().setCount(2))
                    .setCrc32((int) crc.getValue())
                    .setAdler32((int) sum.getValue()))
            .build());
    Path image = folder.resolve("m-1/images/pages-1.img");
    await().until(() -> Files.exists(image) && Files.size(image) == 1 + 5 * 4096);
    assertThat(Files.readAllBytes(image)).isEqualTo(expected);
    ImageStream other = new ImageStream(open);
    other.send(kept("other.img", 0, 100, 1));
    assertThat(other.peer.reason()).isEqualTo(Reason.BAD_CHECKSUM);
    pages.forgetOfRound(42, 100, 1);
    images.send(kept("other.img", 0, 100, 1));
    assertThat(images.peer.reason()).isEqualTo(Reason.MALFORMED_STREAM);
    assertThat(folder.resolve("m-1/images/other.img")).doesNotExist();
  }

  @Test
  void aStreamThatGoesOnWhereAnotherAgentsEndedIsRefused() throws Exception {
    StreamOpen good = open();
    StreamOpen again = good.toBuilder().setNumber(1).setAgain(true).build();
    assertThat(new PageStream(again).peer.reason()).isEqualTo(Reason.TARGET_RESTARTED);
    PageStream first = new PageStream(good.toBuilder().setNumber(1).build());
    first.peer.response();
    PageStream second = new PageStream(again);
    second.peer.response();
    assertThat(new PageStream(again.toBuilder().setNumber(2).build()).peer.reason())
        .isEqualTo(Reason.TARGET_RESTARTED);
    assertThat(new ImageStream(again).peer.reason()).isEqualTo(Reason.TARGET_RESTARTED);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", ".", "..", "../x", "/etc/x", "a/b", ".hidden", "a\nb", "a\0b", "\u00e4"})
  void refusesNamesThatLeaveTheFolder(String name) throws Exception {
    ImageStream images = new ImageStream(open());
    images.send(chunk(name, 0, new byte[] {1}, true));
    assertThat(images.peer.reason()).isEqualTo(Reason.MALFORMED_STREAM);
    try (var files = Files.walk(folder)) {
      assertThat(files.filter(Files::isRegularFile).map(Path::getFileName).map(Path::toString))
          .allMatch(own -> List.of("lock", "m-1.journal", "secret").contains(own));
    }
    sendGoodImages();
  }

  @Test
  void announcesNothingOfImagesOfWhichOneIsBadAndTakesGoodOnesAfterwards() throws Exception {
    ImageStream images = new ImageStream(open());
    images.send(chunk("pstree.img", 0, pstree(VPID, VPID + 1), true));
    images.send(chunk("pagemap-77.img", 0, pagemap(PAGES), true));
    images.send(chunk("pagemap-78.img", 0, new byte[] {1, 2, 3}, true));
    images.send(complete(3, pstree(VPID, VPID + 1).length + pagemap(PAGES).length + 3));
    assertThat(images.peer.reason()).isEqualTo(Reason.MALFORMED_STREAM);
    assertThat(pages.stalePages()).isZero();
    ImageStream good = new ImageStream(open());
    good.send(chunk("pagemap-78.img", 0, pagemap(10), true));
    good.send(
        complete(3, pstree(VPID, VPID + 1).length + pagemap(PAGES).length + pagemap(10).length));
    good.awaitComplete();
    assertThat(pages.stalePages()).isEqualTo(PAGES + 10);
  }

  @Test
  void refusesPageMapsOfFarMoreThanWasAdmitted() throws Exception {
    ImageStream images = new ImageStream(open());
    byte[] huge = pagemap(1L << 30);
    images.send(chunk("pstree.img", 0, pstree(VPID), true));
    images.send(chunk("pagemap-77.img", 0, huge, true));
    images.send(complete(2, pstree(VPID).length + huge.length));
    assertThat(images.peer.reason()).isEqualTo(Reason.OUT_OF_MEMORY);
  }

  @Test
  void imagesDoNotChangeOnceTheyWereUnderstood() throws Exception {
    sendGoodImages();
    ImageStream late = new ImageStream(open());
    late.send(chunk("pstree.img", 0, new byte[] {1}, true));
    assertThat(late.peer.reason()).isEqualTo(Reason.MALFORMED_STREAM);
    assertThat(
            Files.readAllBytes(
                new CriuFolder(folder.resolve("m-1")).images().resolve("pstree.img")))
        .isEqualTo(pstree(VPID));
  }

  @Test
  void takesNothingAfterAnAbort() throws Exception {
    sendGoodImages();
    PageStream stream = new PageStream(open());
    assertThat(stream.peer.response().hasGrant()).isTrue();
    arrivals.abort(REF, false);
    stream.requests.onNext(batch(raw(FIRST, 1)));
    assertThat(stream.peer.reason()).isEqualTo(Reason.WRONG_PHASE);
    assertThat(folder.resolve("m-1")).doesNotExist();
  }

  /** Random bytes and valid messages with random changes, for some seconds. */
  @Test
  void onlyEverEndsWithReasonsThatAreDeclared() throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed: " + seed);
    Random random = new Random(seed);
    sendGoodImages();
    byte[] valid = batch(raw(FIRST, 1), zero(FIRST + 1, 3)).toByteArray();
    long end = System.nanoTime() + Duration.ofSeconds(5).toNanos();
    int refused = 0;
    while (System.nanoTime() < end) {
      byte[] bytes = valid.clone();
      for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
        bytes[random.nextInt(random.nextBoolean() ? 32 : bytes.length)] = (byte) random.nextInt();
      }
      SendPagesRequest message;
      try {
        message = SendPagesRequest.parseFrom(bytes);
      } catch (com.google.protobuf.InvalidProtocolBufferException e) {
        continue;
      }
      PageStream stream = new PageStream(open());
      stream.requests.onNext(message);
      stream.requests.onCompleted();
      try {
        assertThat(stream.peer.reason())
            .isIn(
                Reason.MALFORMED_STREAM,
                Reason.BAD_CHECKSUM,
                Reason.PAGE_NOT_ANNOUNCED,
                Reason.CREDIT_EXCEEDED,
                Reason.NOT_FOUND,
                Reason.INVALID_ARGUMENT);
        refused++;
      } catch (java.util.concurrent.ExecutionException e) {
        assertThat(e).hasMessageContaining("ended well");
      }
    }
    assertThat(refused).isGreaterThan(20);
    assertThat(pages.heldBytes()).isLessThanOrEqualTo(2L << 20);
    stillTakesPages();
  }

  private void stillTakesAGoodStream() throws Exception {
    sendGoodImages();
    stillTakesPages();
  }

  private void stillTakesPages() throws Exception {
    PageStream stream = new PageStream(open());
    assertThat(stream.peer.response().hasGrant()).isTrue();
    stream.requests.onNext(batch(raw(FIRST + 4000, 2)));
    stream.requests.onNext(batch());
    assertThat(stream.peer.response().getGrant().getStoredBytes()).isEqualTo(2 * 4096);
  }

  private void sendGoodImages() throws Exception {
    ImageStream images = new ImageStream(open());
    byte[] map = pagemap(PAGES);
    byte[] tree = pstree(VPID);
    images.send(chunk("pstree.img", 0, tree, true));
    images.send(chunk("pagemap-77.img", 0, java.util.Arrays.copyOf(map, 5), false));
    images.send(chunk("pagemap-77.img", 5, java.util.Arrays.copyOfRange(map, 5, map.length), true));
    images.send(complete(2, tree.length + map.length));
    images.awaitComplete();
  }

  private StreamOpen open() {
    return StreamOpen.newBuilder().setMigrationId("m-1").setEpoch(3).setSecret(secret).build();
  }

  private final class PageStream {
    final Peer<SendPagesRequest, SendPagesResponse> peer = new Peer<>();
    final StreamObserver<SendPagesRequest> requests =
        TransferServiceGrpc.newStub(channel).sendPages(peer);

    PageStream(StreamOpen open) {
      requests.onNext(SendPagesRequest.newBuilder().setOpen(open).build());
    }
  }

  private final class FaultStream {
    final Peer<ServeFaultsRequest, ServeFaultsResponse> peer = new Peer<>();

    FaultStream(StreamOpen open) {
      TransferServiceGrpc.newStub(channel)
          .serveFaults(peer)
          .onNext(ServeFaultsRequest.newBuilder().setOpen(open).build());
    }
  }

  private final class ImageStream {
    final Peer<SendImagesRequest, SendImagesResponse> peer = new Peer<>();
    private final StreamObserver<SendImagesRequest> requests =
        TransferServiceGrpc.newStub(channel).sendImages(peer);

    ImageStream(StreamOpen open) {
      requests.onNext(SendImagesRequest.newBuilder().setOpen(open).build());
    }

    void send(SendImagesRequest message) {
      requests.onNext(message);
    }

    void awaitComplete() throws Exception {
      while (!peer.response().getComplete()) {
        // grants before it
      }
    }
  }

  private static BadPages bad(String name, Reason reason, SendPagesRequest message) {
    return new BadPages(name, List.of(message), reason);
  }

  private static PageRun raw(long firstPage, int count) {
    return run(firstPage, count, PageEncoding.PAGE_ENCODING_RAW);
  }

  private static PageRun zero(long firstPage, int count) {
    return run(firstPage, count, PageEncoding.PAGE_ENCODING_ZERO);
  }

  private static PageRun run(long firstPage, int count, PageEncoding encoding) {
    return PageRun.newBuilder()
        .setVpid(VPID)
        .setFirstPage(firstPage)
        .setCount(count)
        .setEncoding(encoding)
        .build();
  }

  private static SendPagesRequest batch(PageRun... runs) {
    PageBatch.Builder batch = PageBatch.newBuilder().addAllRuns(List.of(runs));
    int bytes = 0;
    for (PageRun run : runs) {
      bytes +=
          run.getEncodingValue() == PageEncoding.PAGE_ENCODING_ZERO_VALUE
              ? 0
              : run.getCount() * 4096;
    }
    byte[] payload = new byte[bytes];
    new Random(1).nextBytes(payload);
    return sealed(
        SendPagesRequest.newBuilder().setBatch(batch).build(), ByteString.copyFrom(payload));
  }

  private static SendPagesRequest sealed(SendPagesRequest request, ByteString payload) {
    return with(request, crc(payload), payload);
  }

  private static SendPagesRequest with(SendPagesRequest request, int crc, ByteString payload) {
    return request.toBuilder()
        .setBatch(request.getBatch().toBuilder().setCrc32C(crc).setPayload(payload))
        .build();
  }

  private static int crc(ByteString payload) {
    CRC32C checksum = new CRC32C();
    checksum.update(payload.asReadOnlyByteBuffer());
    return (int) checksum.getValue();
  }

  private static SendImagesRequest chunk(String name, long offset, byte[] data, boolean last) {
    ByteString bytes = ByteString.copyFrom(data);
    return SendImagesRequest.newBuilder()
        .setChunk(
            ImageChunk.newBuilder()
                .setName(name)
                .setOffset(offset)
                .setData(bytes)
                .setCrc32C(crc(bytes))
                .setLast(last))
        .build();
  }

  private static SendImagesRequest kept(String name, long offset, long page, long count) {
    return SendImagesRequest.newBuilder()
        .setKept(
            KeptPages.newBuilder()
                .setName(name)
                .setOffset(offset)
                .setLast(true)
                .addPages(PageSpan.newBuilder().setVpid(42).setFirstPage(page).setCount(count)))
        .build();
  }

  private static SendImagesRequest badChunk() {
    SendImagesRequest good = chunk("a.img", 0, new byte[] {1}, true);
    return good.toBuilder().setChunk(good.getChunk().toBuilder().setCrc32C(5)).build();
  }

  private static List<SendImagesRequest> tooMuch() {
    return java.util.stream.IntStream.rangeClosed(0, (int) (IMAGE_LIMIT >> 20))
        .mapToObj(i -> chunk("a" + i + ".img", 0, new byte[1 << 20], true))
        .toList();
  }

  private static SendImagesRequest complete(int images, long bytes) {
    return SendImagesRequest.newBuilder()
        .setComplete(ImagesComplete.newBuilder().setImages(images).setBytes(bytes))
        .build();
  }

  private static byte[] pagemap(long count) {
    ByteBuffer image =
        new Pagemap(
                1,
                List.of(
                    new PagemapEntry(4096, 2, PagemapEntry.PRESENT),
                    new PagemapEntry(FIRST * 4096, count, PagemapEntry.LAZY)))
            .encode();
    byte[] bytes = new byte[image.remaining()];
    image.get(bytes);
    return bytes;
  }

  /** images/pstree.proto behind the magic numbers of criu/include/magic.h. */
  private static byte[] pstree(int... pids) {
    ByteArrayOutputStream image = new ByteArrayOutputStream();
    image.writeBytes(littleEndian(0x5456_4319));
    image.writeBytes(littleEndian(0x5027_3030));
    for (int pid : pids) {
      ByteArrayOutputStream record = new ByteArrayOutputStream();
      CodedOutputStream fields = CodedOutputStream.newInstance(record);
      try {
        fields.writeUInt32(1, pid);
        fields.writeUInt32(2, pid == pids[0] ? 0 : pids[0]);
        fields.writeUInt32(3, 0);
        fields.writeUInt32(4, 0);
        fields.writeUInt32(5, pid);
        fields.flush();
      } catch (IOException impossible) {
        throw new java.io.UncheckedIOException(impossible);
      }
      image.writeBytes(littleEndian(record.size()));
      image.writeBytes(record.toByteArray());
    }
    return image.toByteArray();
  }

  private static byte[] littleEndian(int value) {
    return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array();
  }

  private Arrival arrival(MigrationRef ref) {
    try {
      CriuFolder images = CriuFolder.create(folder.resolve(ref.id()));
      return new Arrival(
          ref,
          new Arrival.Parts(
              images,
              ArrivalNotes.begin(images.path(), ref, RuntimeRecord.ofProcess(0)),
              new ImageFolder(images.images(), IMAGE_LIMIT),
              pages,
              demands,
              new Restoration(
                  new Criu(Path.of("/none"), new CriuVersion(4, 2, 1)),
                  PlainProcesses.ANY,
                  images,
                  pages,
                  demands),
              packets,
              1 << 20));
    } catch (IOException e) {
      throw new LongshoreException(Reason.INTERNAL, "cannot prepare", e);
    }
  }
}
