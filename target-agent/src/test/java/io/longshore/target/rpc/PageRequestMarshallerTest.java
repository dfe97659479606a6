package io.longshore.target.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import io.longshore.target.rpc.PageRequest.Run;
import io.longshore.transfer.v1.PageBatch;
import io.longshore.transfer.v1.PageEncoding;
import io.longshore.transfer.v1.PageRun;
import io.longshore.transfer.v1.SendPagesRequest;
import io.longshore.transfer.v1.StreamOpen;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class PageRequestMarshallerTest {
  private final PageRequestMarshaller marshaller = new PageRequestMarshaller();
  private final long seed = System.nanoTime();
  private final Random random = new Random(seed);

  @Test
  void readsAnOpening() {
    StreamOpen open =
        StreamOpen.newBuilder()
            .setMigrationId("m")
            .setEpoch(3)
            .setSecret(ByteString.copyFrom(new byte[32]))
            .build();
    assertThat(parse(SendPagesRequest.newBuilder().setOpen(open).build().toByteArray()))
        .isEqualTo(new PageRequest.Open(open));
    assertThat(
            parse(
                SendPagesRequest.newBuilder()
                    .setOpen(StreamOpen.getDefaultInstance())
                    .build()
                    .toByteArray()))
        .isEqualTo(new PageRequest.Open(StreamOpen.getDefaultInstance()));
  }

  @Test
  void readsWhatProtobufWroteHoweverItWasCutUp() {
    System.out.println("seed: " + seed);
    for (int i = 0; i < 200; i++) {
      PageBatch batch = batch();
      byte[] bytes = SendPagesRequest.newBuilder().setBatch(batch).build().toByteArray();
      assertSame(marshaller.parse(new ByteArrayInputStream(bytes)), batch);
      assertSame(marshaller.parse(new Pieces(bytes, 1 + random.nextInt(bytes.length))), batch);
    }
  }

  @Test
  void readsFieldsInAnyOrderAndSkipsThoseItDoesNotKnow() throws Exception {
    PageBatch batch = batch();
    ByteArrayOutputStream inner = new ByteArrayOutputStream();
    CodedOutputStream out = CodedOutputStream.newInstance(inner);
    out.writeByteArray(9, new byte[] {1, 2, 3});
    out.writeBytes(PageBatch.PAYLOAD_FIELD_NUMBER, batch.getPayload());
    out.writeUInt64(10, Long.MAX_VALUE);
    out.writeFixed32(PageBatch.CRC32C_FIELD_NUMBER, batch.getCrc32C());
    out.writeFixed64(11, 7);
    out.writeFixed32(5000, 7);
    for (PageRun run : batch.getRunsList()) {
      out.writeMessage(PageBatch.RUNS_FIELD_NUMBER, run);
    }
    out.flush();
    ByteArrayOutputStream outer = new ByteArrayOutputStream();
    out = CodedOutputStream.newInstance(outer);
    out.writeInt32(15, 1);
    out.writeByteArray(SendPagesRequest.BATCH_FIELD_NUMBER, inner.toByteArray());
    out.writeString(16, "later");
    out.flush();
    assertThat(SendPagesRequest.parseFrom(outer.toByteArray()).getBatch().getRunsList())
        .isEqualTo(batch.getRunsList());
    assertSame(parse(outer.toByteArray()), batch);
  }

  @Test
  void whatEndsTooEarlyIsMalformed() {
    byte[] bytes = SendPagesRequest.newBuilder().setBatch(batch()).build().toByteArray();
    for (int length = 0; length < bytes.length; length += length < 300 ? 1 : 997) {
      assertThat(parse(Arrays.copyOf(bytes, length))).isInstanceOf(PageRequest.Malformed.class);
    }
  }

  @Test
  void aMessageThatIsTwoIsMalformed() {
    byte[] open =
        SendPagesRequest.newBuilder()
            .setOpen(StreamOpen.getDefaultInstance())
            .build()
            .toByteArray();
    byte[] batch = SendPagesRequest.newBuilder().setBatch(batch()).build().toByteArray();
    for (List<byte[]> two : List.of(List.of(open, batch), List.of(batch, batch))) {
      ByteArrayOutputStream both = new ByteArrayOutputStream();
      two.forEach(both::writeBytes);
      assertThat(parse(both.toByteArray())).isInstanceOf(PageRequest.Malformed.class);
    }
  }

  /** Whatever protobuf understands is understood the same; nothing else is more than refused. */
  @Test
  void agreesWithProtobufAboutChangedMessages() {
    System.out.println("seed: " + seed);
    int understood = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = SendPagesRequest.newBuilder().setBatch(smallBatch()).build().toByteArray();
      for (int changes = random.nextInt(4); changes > 0; changes--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      PageRequest request = parse(bytes);
      SendPagesRequest expected = protobuf(bytes);
      if (request instanceof PageRequest.Batch batch) {
        understood++;
        // It may refuse what protobuf takes, as long as nobody writes it; never the other way
        // round.
        if (expected == null) {
          throw new AssertionError("taken, and refused by protobuf: " + Arrays.toString(bytes));
        }
        assertSame(batch, expected.getBatch());
      }
    }
    assertThat(understood).isGreaterThan(2_000);
  }

  @Test
  void usesMemoryAgainOnlyAfterTheBatchWasReleased() {
    byte[] first = SendPagesRequest.newBuilder().setBatch(batch()).build().toByteArray();
    PageRequest.Batch one = (PageRequest.Batch) parse(first);
    PageRequest.Batch two = (PageRequest.Batch) parse(first);
    assertThat(two.memory()).isNotSameAs(one.memory());
    marshaller.release(one);
    assertThat(((PageRequest.Batch) parse(first)).memory()).isSameAs(one.memory());
  }

  private static @Nullable SendPagesRequest protobuf(byte[] bytes) {
    try {
      return SendPagesRequest.parseFrom(bytes);
    } catch (com.google.protobuf.InvalidProtocolBufferException e) {
      return null;
    }
  }

  private PageRequest parse(byte[] bytes) {
    return marshaller.parse(new ByteArrayInputStream(bytes));
  }

  private void assertSame(PageRequest request, PageBatch expected) {
    assertThat(request).isInstanceOf(PageRequest.Batch.class);
    PageRequest.Batch batch = (PageRequest.Batch) request;
    assertThat(batch.crc32c()).isEqualTo(expected.getCrc32C());
    assertThat(batch.runs())
        .isEqualTo(
            expected.getRunsList().stream()
                .map(
                    run ->
                        new Run(
                            run.getVpid(),
                            run.getFirstPage(),
                            run.getCount(),
                            run.getEncodingValue()))
                .toList());
    assertThat(batch.payload().isDirect()).isTrue();
    assertThat(ByteString.copyFrom(batch.payload().duplicate())).isEqualTo(expected.getPayload());
    marshaller.release(batch);
  }

  private PageBatch batch() {
    byte[] payload = new byte[4096 * (1 + random.nextInt(256))];
    random.nextBytes(payload);
    return smallBatch().toBuilder().setPayload(ByteString.copyFrom(payload)).build();
  }

  private PageBatch smallBatch() {
    PageBatch.Builder batch = PageBatch.newBuilder().setCrc32C(random.nextInt());
    for (int runs = 1 + random.nextInt(5); runs > 0; runs--) {
      batch.addRuns(
          PageRun.newBuilder()
              .setVpid(random.nextInt())
              .setFirstPage(random.nextLong() >>> random.nextInt(64))
              .setCount(random.nextInt(3))
              .setEncoding(PageEncoding.PAGE_ENCODING_RAW));
    }
    return batch.setPayload(ByteString.copyFrom(new byte[random.nextInt(20)])).build();
  }

  /** As a message comes from the network: in pieces. */
  private static final class Pieces extends InputStream {
    private final ByteBuffer bytes;
    private final int most;

    Pieces(byte[] bytes, int most) {
      this.bytes = ByteBuffer.wrap(bytes);
      this.most = most;
    }

    @Override
    public int available() {
      return bytes.remaining();
    }

    @Override
    public int read() {
      return bytes.hasRemaining() ? bytes.get() & 0xff : -1;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      int read = Math.min(Math.min(length, most), bytes.remaining());
      bytes.get(into, offset, read);
      return read == 0 && length > 0 ? -1 : read;
    }
  }
}
