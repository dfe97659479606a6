package io.longshore.target.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
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
import io.longshore.platform.rpc.StatusMapper;
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
import io.longshore.target.pages.PageStore;
import io.longshore.target.restore.Restoration;
import io.longshore.target.rpc.TransferRpc;
import io.longshore.target.runtime.PlainProcesses;
import io.longshore.transfer.v1.HeldPacket;
import io.longshore.transfer.v1.ImageChunk;
import io.longshore.transfer.v1.ImagesComplete;
import io.longshore.transfer.v1.KeptPages;
import io.longshore.transfer.v1.PageBatch;
import io.longshore.transfer.v1.PageEncoding;
import io.longshore.transfer.v1.PageRun;
import io.longshore.transfer.v1.SendImagesRequest;
import io.longshore.transfer.v1.SendPagesRequest;
import io.longshore.transfer.v1.ServeFaultsRequest;
import io.longshore.transfer.v1.StreamOpen;
import io.longshore.transfer.v1.TransferServiceGrpc;
import io.opentelemetry.api.OpenTelemetry;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/**
 * A source that does not keep to the data plane's protocol, on a real port: conversations as they
 * should be, with messages changed, lost, repeated, out of order or of random bytes. Each stream
 * must end with a status, and what does not belong there must not be stored.
 */
@Timeout(3600)
final class TransferFuzzTest {
  private static final int VPID = 77;
  private static final long FIRST = 0x1000;
  private static final int PAGES = 64;
  private static final int REMEMBERED = 10_000;
  private static final Set<Reason> REFUSALS =
      EnumSet.of(
          Reason.MALFORMED_STREAM,
          Reason.BAD_CHECKSUM,
          Reason.PAGE_NOT_ANNOUNCED,
          Reason.CREDIT_EXCEEDED,
          Reason.OUT_OF_MEMORY,
          Reason.NOT_FOUND,
          Reason.WRONG_SECRET,
          Reason.STALE_EPOCH,
          Reason.WRONG_PHASE,
          Reason.INVALID_ARGUMENT);

  // A logger that nobody holds forgets its level.
  private static final java.util.logging.Logger GRPC =
      java.util.logging.Logger.getLogger("io.grpc.internal.SerializingExecutor");

  private final Arrivals arrivals = new Arrivals((ref, facts, promised) -> arrival(ref));
  private final GrpcServer server =
      GrpcServer.builder("transfer", new HostPort("127.0.0.1", 0), new PlaintextOnLoopback())
          .tuning(TransportTuning.BULK.withDirectCallbacks(false))
          .patience(Duration.ofSeconds(1))
          .add(new TransferRpc(arrivals, TestFiles.none()))
          .build();

  private final ManagedChannel channel;

  @TempDir private Path folder;
  private PageStore pages = new PageStore(PAGES * 4096L);
  private long migrations;

  TransferFuzzTest() throws Exception {
    // Thousands of refusals, each with a line or a stack trace.
    ((Logger) LoggerFactory.getLogger("io.longshore.audit")).setLevel(Level.OFF);
    GRPC.setLevel(java.util.logging.Level.OFF);
    server.start();
    channel =
        new GrpcChannels(OpenTelemetry.noop(), new PlaintextOnLoopback())
            .open(Destination.targetAgent(server.address()), "test");
  }

  @AfterEach
  void stop() throws Exception {
    channel.shutdownNow();
    server.stop();
    arrivals.stop();
  }

  @Test
  void everyStreamEndsWithAStatusAndStoresNothingThatIsNotDue() {
    rememberAsManyAsItEverWill();
    Fuzz.run(
        random -> {
          MigrationRef ref = new MigrationRef("m-" + migrations++, 1);
          byte[] secret = prepare(ref);
          for (Conversation each : Conversation.good(ref, secret)) {
            Conversation said = random.nextInt(3) == 0 ? each : each.spoilt(random);
            said.checkEnd(said.end(channel));
          }
          arrivals.abort(ref, false);
          assertNothingLeft();
        });
    takesAGoodOneStill();
  }

  /** As an agent that has run for long: one more migration does not make it grow. */
  private void rememberAsManyAsItEverWill() {
    for (int i = 0; i < REMEMBERED; i++) {
      arrivals.abort(new MigrationRef("before-" + i, 1), false);
    }
  }

  private void takesAGoodOneStill() {
    MigrationRef ref = new MigrationRef("m-good", 1);
    byte[] secret = prepare(ref);
    for (Conversation each : Conversation.good(ref, secret)) {
      assertThat(each.end(channel).getStatus().isOk()).as("%s", each).isTrue();
    }
    assertThat(pages.stalePages()).isEqualTo(PAGES - 6);
  }

  private byte[] prepare(MigrationRef ref) {
    return arrivals
        .prepare(ref, new WorkloadFacts("", List.of(), List.of(), List.of(), 0, 0, List.of()))
        .secret();
  }

  private void assertNothingLeft() throws IOException {
    try (var all = Files.walk(folder)) {
      // How migrations ended is remembered.
      assertThat(all.filter(Files::isRegularFile))
          .allMatch(file -> file.equals(folder.resolve("ended")));
    }
  }

  private Arrival arrival(MigrationRef ref) {
    try {
      CriuFolder images = CriuFolder.create(folder.resolve(ref.id()));
      PageStore store = new PageStore(PAGES * 4096L);
      Demands demands = new Demands();
      pages = store;
      return new Arrival(
          ref,
          new Arrival.Parts(
              images,
              ArrivalNotes.begin(images.path(), ref, RuntimeRecord.ofProcess(0)),
              new ImageFolder(images.images(), 1 << 20),
              store,
              demands,
              new Restoration(
                  new Criu(Path.of("/none"), new CriuVersion(4, 2, 1)),
                  PlainProcesses.ANY,
                  images,
                  store,
                  demands),
              new TestAddresses(),
              1 << 20));
    } catch (IOException e) {
      throw new LongshoreException(Reason.INTERNAL, "cannot prepare", e);
    }
  }

  /** The messages of one stream, as bytes. */
  private record Conversation(
      MethodDescriptor<? extends Message, ?> method, List<byte[]> messages) {
    /** Three streams that are all right, in the order in which they come. */
    static List<Conversation> good(MigrationRef ref, byte[] secret) {
      StreamOpen open =
          StreamOpen.newBuilder()
              .setMigrationId(ref.id())
              .setEpoch(ref.epoch())
              .setSecret(ByteString.copyFrom(secret))
              .build();
      byte[] tree = pstree();
      byte[] map = pagemap();
      PageBatch batch = batch(FIRST, 2);
      return List.of(
          of(
              TransferServiceGrpc.getSendImagesMethod(),
              SendImagesRequest.newBuilder().setOpen(open).build(),
              chunk("pstree.img", tree),
              chunk("pagemap-77.img", map),
              SendImagesRequest.newBuilder()
                  .setKept(
                      KeptPages.newBuilder().setName("pages-1.img").setAdler32(1).setLast(true))
                  .build(),
              SendImagesRequest.newBuilder()
                  .setComplete(
                      ImagesComplete.newBuilder().setImages(3).setBytes(tree.length + map.length))
                  .build(),
              SendImagesRequest.newBuilder()
                  .setPacket(HeldPacket.newBuilder().setPacket(ByteString.copyFrom(new byte[60])))
                  .build()),
          of(
              TransferServiceGrpc.getSendPagesMethod(),
              SendPagesRequest.newBuilder().setOpen(open).build(),
              SendPagesRequest.newBuilder().setBatch(batch).build(),
              SendPagesRequest.newBuilder().setBatch(batch(FIRST + 8, 2)).build()),
          of(
              TransferServiceGrpc.getServeFaultsMethod(),
              ServeFaultsRequest.newBuilder().setOpen(open).build(),
              ServeFaultsRequest.newBuilder().setBatch(batch(FIRST + 20, 2)).build()));
    }

    private static Conversation of(
        MethodDescriptor<? extends Message, ?> method, Message... messages) {
      return new Conversation(
          method, List.of(messages).stream().map(Message::toByteArray).toList());
    }

    Conversation spoilt(Random random) {
      List<byte[]> changed = new ArrayList<>(messages);
      int at = random.nextInt(changed.size());
      byte[] message = changed.get(at);
      switch (random.nextInt(7)) {
        case 0 -> changed.remove(at);
        case 1 -> changed.add(random.nextInt(changed.size() + 1), message);
        case 2 -> Collections.shuffle(changed, random);
        case 3 -> changed.set(at, Fuzz.random(random, random.nextInt(64)));
        // The payload is most of it; what is before it matters more.
        case 4 -> changed.set(at, head(random, message));
        default -> changed.set(at, Fuzz.mutate(random, message));
      }
      return new Conversation(method, List.copyOf(changed));
    }

    private static byte[] head(Random random, byte[] message) {
      byte[] changed = message.clone();
      for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
        changed[random.nextInt(Math.min(40, changed.length))] = (byte) random.nextInt();
      }
      return changed;
    }

    /** Says all of it, and waits for the status. */
    StatusRuntimeException end(ManagedChannel channel) {
      CompletableFuture<StatusRuntimeException> end = new CompletableFuture<>();
      ClientCall<byte[], byte[]> call =
          channel.newCall(
              method.toBuilder(new Bytes(), new Bytes()).setSchemaDescriptor(null).build(),
              CallOptions.DEFAULT);
      call.start(
          new ClientCall.Listener<>() {
            @Override
            public void onMessage(byte[] message) {
              call.request(1);
            }

            @Override
            public void onClose(Status status, Metadata trailers) {
              end.complete(status.asRuntimeException(trailers));
            }
          },
          new Metadata());
      call.request(1);
      messages.forEach(call::sendMessage);
      call.halfClose();
      try {
        return end.get(15, TimeUnit.SECONDS);
      } catch (Exception e) {
        call.cancel("no status", e);
        throw new AssertionError("no status within 15 s: " + this, e);
      }
    }

    void checkEnd(StatusRuntimeException end) {
      if (end.getStatus().isOk()) {
        return;
      }
      if (StatusMapper.hasReason(end)) {
        assertThat(StatusMapper.fromStatus(end).reason()).isIn(REFUSALS);
        return;
      }
      // What is no message at all does not get as far as the service.
      assertThat(end.getStatus().getCode()).as("%s: %s", this, end).isEqualTo(Status.Code.UNKNOWN);
      assertThat(messages).as("%s: %s", this, end).anyMatch(message -> !parses(message));
    }

    private boolean parses(byte[] message) {
      try {
        var marshaller =
            (MethodDescriptor.PrototypeMarshaller<? extends Message>) method.getRequestMarshaller();
        Message prototype = marshaller.getMessagePrototype();
        prototype.getParserForType().parseFrom(message);
        return true;
      } catch (InvalidProtocolBufferException e) {
        return false;
      }
    }

    @Override
    public String toString() {
      return method.getBareMethodName()
          + messages.stream().map(java.util.HexFormat.of()::formatHex).toList();
    }
  }

  private static SendImagesRequest chunk(String name, byte[] data) {
    return SendImagesRequest.newBuilder()
        .setChunk(
            ImageChunk.newBuilder()
                .setName(name)
                .setData(ByteString.copyFrom(data))
                .setCrc32C(crc(data))
                .setLast(true))
        .build();
  }

  private static PageBatch batch(long first, int count) {
    byte[] payload = new byte[(count - 1) * 4096];
    new Random(first).nextBytes(payload);
    PageRun run = PageRun.newBuilder().setVpid(VPID).setFirstPage(first).setCount(1).build();
    return PageBatch.newBuilder()
        .addRuns(run.toBuilder().setEncoding(PageEncoding.PAGE_ENCODING_RAW))
        .addRuns(
            run.toBuilder().setFirstPage(first + 1).setEncoding(PageEncoding.PAGE_ENCODING_ZERO))
        .setPayload(ByteString.copyFrom(payload))
        .setCrc32C(crc(payload))
        .build();
  }

  private static int crc(byte[] bytes) {
    CRC32C checksum = new CRC32C();
    checksum.update(bytes);
    return (int) checksum.getValue();
  }

  private static byte[] pagemap() {
    ByteBuffer image =
        new Pagemap(1, List.of(new PagemapEntry(FIRST * 4096, PAGES, PagemapEntry.LAZY))).encode();
    byte[] bytes = new byte[image.remaining()];
    image.get(bytes);
    return bytes;
  }

  /** images/pstree.proto behind the magic numbers of criu/include/magic.h. */
  private static byte[] pstree() {
    ByteArrayOutputStream record = new ByteArrayOutputStream();
    try {
      CodedOutputStream fields = CodedOutputStream.newInstance(record);
      fields.writeUInt32(1, VPID);
      for (int field = 2; field <= 4; field++) {
        fields.writeUInt32(field, 0);
      }
      fields.writeUInt32(5, VPID);
      fields.flush();
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return ByteBuffer.allocate(12 + record.size())
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(0x5456_4319)
        .putInt(0x5027_3030)
        .putInt(record.size())
        .put(record.toByteArray())
        .array();
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
