package io.longshore.source.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import io.longshore.source.pages.PageBatch;
import io.longshore.source.pages.PageRange;
import io.longshore.transfer.v1.PageEncoding;
import io.longshore.transfer.v1.PageRun;
import io.longshore.transfer.v1.SendPagesRequest;
import io.longshore.transfer.v1.ServeFaultsRequest;
import io.longshore.transfer.v1.StreamOpen;
import io.longshore.transfer.v1.TransferServiceGrpc;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class PageRequestMarshallerTest {
  private final MethodDescriptor<PageRequest, ?> method =
      PageRequestMarshaller.method(TransferServiceGrpc.getSendPagesMethod());

  @Test
  void writesAnOpeningAsProtobufDoes() throws Exception {
    StreamOpen open =
        StreamOpen.newBuilder()
            .setMigrationId("m")
            .setEpoch(3)
            .setSecret(ByteString.copyFrom(new byte[32]))
            .build();
    byte[] expected = SendPagesRequest.newBuilder().setOpen(open).build().toByteArray();
    assertThat(drained(new PageRequest.Open(open))).isEqualTo(expected);
    assertThat(ServeFaultsRequest.newBuilder().setOpen(open).build().toByteArray())
        .isEqualTo(expected);
  }

  @Test
  void writesBatchesAsProtobufDoes() throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed: " + seed);
    Random random = new Random(seed);
    assertSame(batch(random, 0, false));
    assertSame(batch(random, 256, true));
    for (int i = 0; i < 200; i++) {
      assertSame(batch(random, random.nextInt(8), random.nextBoolean()));
    }
    // The largest run there is, and the longest numbers.
    PageRange huge = new PageRange(-1, 1, Long.MAX_VALUE, Integer.MAX_VALUE);
    for (boolean round : new boolean[] {false, true}) {
      assertSame(
          new PageBatch(
              List.of(new PageBatch.Run(huge, true)), ByteBuffer.allocate(0), -1, 0, 1, round));
    }
  }

  private void assertSame(PageBatch batch) throws Exception {
    var expected =
        io.longshore.transfer.v1.PageBatch.newBuilder()
            .setCrc32C(batch.crc32c())
            .setRound(batch.round());
    for (PageBatch.Run run : batch.runs()) {
      expected.addRuns(
          PageRun.newBuilder()
              .setVpid(run.range().vpid())
              .setFirstPage(run.range().firstPage())
              .setCount(run.range().count())
              .setEncoding(
                  run.zero() ? PageEncoding.PAGE_ENCODING_ZERO : PageEncoding.PAGE_ENCODING_RAW));
    }
    expected.setPayload(ByteString.copyFrom(batch.payload().duplicate()));
    SendPagesRequest message = SendPagesRequest.newBuilder().setBatch(expected).build();
    assertThat(ServeFaultsRequest.newBuilder().setBatch(expected).build().toByteArray())
        .isEqualTo(message.toByteArray());
    byte[] bytes = drained(new PageRequest.Pages(batch));
    assertThat(SendPagesRequest.parseFrom(bytes)).isEqualTo(message);
    if (batch.round()) {
      // Protobuf writes fields in the order of their numbers; here this one is before the pages.
      assertThat(bytes).hasSameSizeAs(message.toByteArray());
    } else {
      assertThat(bytes).isEqualTo(message.toByteArray());
    }
    // The same for whoever does not know how to drain it.
    try (InputStream stream = method.streamRequest(new PageRequest.Pages(batch))) {
      assertThat(stream.read()).isEqualTo(bytes[0] & 0xff);
      byte[] rest = stream.readAllBytes();
      assertThat(rest).containsExactly(java.util.Arrays.copyOfRange(bytes, 1, bytes.length));
      assertThat(stream.read()).isEqualTo(-1);
    }
    assertThat(batch.payload().position()).isZero();
  }

  private byte[] drained(PageRequest request) throws Exception {
    try (InputStream stream = method.streamRequest(request);
        ByteArrayOutputStream out = new ByteArrayOutputStream()) {
      assertThat(stream).isInstanceOf(KnownLength.class);
      int length = stream.available();
      assertThat(((Drainable) stream).drainTo(out)).isEqualTo(length).isEqualTo(out.size());
      assertThat(stream.available()).isZero();
      return out.toByteArray();
    }
  }

  private static PageBatch batch(Random random, int count, boolean direct) {
    List<PageBatch.Run> runs = new ArrayList<>();
    int content = 0;
    int zeros = 0;
    for (int i = 0; i < count; i++) {
      boolean zero = random.nextBoolean();
      int pages = 1 + random.nextInt(count > 8 ? 1 : 30);
      runs.add(
          new PageBatch.Run(
              new PageRange(
                  random.nextInt() >>> random.nextInt(31),
                  1,
                  random.nextLong() >>> (1 + random.nextInt(63)),
                  pages),
              zero));
      content += zero ? 0 : pages;
      zeros += zero ? pages : 0;
    }
    byte[] bytes = new byte[content * 4096];
    random.nextBytes(bytes);
    ByteBuffer payload =
        direct ? ByteBuffer.allocateDirect(bytes.length).put(bytes).flip() : ByteBuffer.wrap(bytes);
    return new PageBatch(
        runs,
        payload,
        random.nextInt(3) == 0 ? 0 : random.nextInt(),
        content,
        zeros,
        random.nextBoolean());
  }
}
