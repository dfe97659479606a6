package io.longshore.source.rpc;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.longshore.linux.ThreadNiceness;
import io.longshore.platform.rpc.Destination;
import io.longshore.platform.rpc.EventLoops;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.TransportTuning;
import io.longshore.platform.value.HostPort;
import io.longshore.source.departure.DataPlane;
import io.longshore.source.images.ImageChannel;
import io.longshore.source.pages.PageBatch;
import io.longshore.source.pages.PageChannel;
import io.longshore.source.pages.Rounds.PageSpan;
import io.longshore.transfer.v1.HeldPacket;
import io.longshore.transfer.v1.ImageChunk;
import io.longshore.transfer.v1.ImagesComplete;
import io.longshore.transfer.v1.PageDemand;
import io.longshore.transfer.v1.SendImagesRequest;
import io.longshore.transfer.v1.SendImagesResponse;
import io.longshore.transfer.v1.SendPagesResponse;
import io.longshore.transfer.v1.ServeFaultsResponse;
import io.longshore.transfer.v1.StalePages;
import io.longshore.transfer.v1.StreamOpen;
import io.longshore.transfer.v1.TransferServiceGrpc;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.zip.CRC32C;

/**
 * The data streams of one migration to its target: one for images, several for pages, one for pages
 * that are asked for. Page streams and the fault stream have a TCP connection each, so that a
 * demand does not queue behind the push.
 */
final class TransferClient implements DataPlane {
  private static final int PAGE_BYTES = 4096;

  // For all migrations from here. Those of the push are others than those that somebody waits for.
  private static final EventLoops PUSH =
      new EventLoops(8, ThreadNiceness.threads("push-network", ThreadNiceness.NORMAL));
  private static final EventLoops WAITED_FOR =
      new EventLoops(4, ThreadNiceness.threads("waited-for-network", ThreadNiceness.URGENT));

  /** What gRPC may hold of a stream of pages: two batches. */
  private static final int BUFFERED_BYTES = 2 << 20;

  /** Of stale pages in one message. */
  private static final int SPANS = 16384;

  private static final PageBatch NO_PAGES =
      new PageBatch(List.of(), ByteBuffer.allocate(0), 0, 0, 0, false);

  private final List<ManagedChannel> connections = new ArrayList<>();
  private final WireBytes wireBytes = new WireBytes();
  private final Images images;
  private final List<Pages> pages = new ArrayList<>();
  private final Faults faults;

  /**
   * Opens all streams. Returns at once; the first use of a stream tells whether it could be opened.
   *
   * @param pageStreams how many streams for pages
   */
  TransferClient(GrpcChannels channels, HostPort target, StreamOpen open, int pageStreams) {
    images = new Images(connect(channels, target, "images", WAITED_FOR), open, wireBytes.options());
    for (int i = 0; i < pageStreams; i++) {
      pages.add(
          new Pages(i, connect(channels, target, "pages-" + i, PUSH), open, wireBytes.options()));
    }
    faults = new Faults(connect(channels, target, "faults", WAITED_FOR), open, wireBytes.options());
  }

  @Override
  public ImageChannel images() {
    return images;
  }

  @Override
  public List<? extends PageChannel> pages() {
    return pages;
  }

  @Override
  public PageChannel faults() {
    return faults;
  }

  @Override
  public void onDemand(Demands demands) {
    faults.demands = demands;
  }

  @Override
  public void awaitOpen() throws InterruptedException {
    images.stream.awaitGrant();
    for (Pages stream : pages) {
      stream.stream.awaitGrant();
    }
    faults.stream.awaitGrant();
  }

  @Override
  public long bytesOnWire() {
    return wireBytes.total();
  }

  @Override
  public void finish() {
    images.stream.finish();
    pages.forEach(stream -> stream.stream.finish());
    faults.stream.finish();
    close();
  }

  @Override
  public void cancel() {
    images.stream.cancel("the migration was rolled back");
    pages.forEach(stream -> stream.stream.cancel("the migration was rolled back"));
    faults.stream.cancel("the migration was rolled back");
    close();
  }

  private void close() {
    try {
      for (ManagedChannel connection : connections) {
        GrpcChannels.close(connection, Duration.ofSeconds(2));
      }
    } catch (InterruptedException e) {
      connections.forEach(ManagedChannel::shutdownNow);
      Thread.currentThread().interrupt();
    }
  }

  private ManagedChannel connect(
      GrpcChannels channels, HostPort target, String name, EventLoops loops) {
    ManagedChannel connection =
        channels.open(
            Destination.targetAgent(target), "transfer-" + name, TransportTuning.BULK, loops);
    connections.add(connection);
    return connection;
  }

  private static final class Images implements ImageChannel {
    final OutboundStream<SendImagesRequest, SendImagesResponse> stream;
    final CountDownLatch complete = new CountDownLatch(1);

    Images(ManagedChannel connection, StreamOpen open, CallOptions options) {
      stream =
          new OutboundStream<>(
              "image stream",
              connection.newCall(TransferServiceGrpc.getSendImagesMethod(), options),
              this::received);
      stream.open(SendImagesRequest.newBuilder().setOpen(open).build());
    }

    @Override
    public void send(String name, long offset, byte[] data, int length, boolean last)
        throws InterruptedException {
      CRC32C checksum = new CRC32C();
      checksum.update(data, 0, length);
      stream.send(
          SendImagesRequest.newBuilder()
              .setChunk(
                  ImageChunk.newBuilder()
                      .setName(name)
                      .setOffset(offset)
                      .setCrc32C((int) checksum.getValue())
                      .setLast(last)
                      .setData(ByteString.copyFrom(data, 0, length)))
              .build(),
          length);
    }

    @Override
    public void forget(List<PageSpan> pages) throws InterruptedException {
      for (int from = 0; from < pages.size(); from += SPANS) {
        StalePages.Builder stale = StalePages.newBuilder();
        for (PageSpan span : pages.subList(from, Math.min(pages.size(), from + SPANS))) {
          stale.addSpans(
              io.longshore.transfer.v1.PageSpan.newBuilder()
                  .setVpid(span.vpid())
                  .setFirstPage(span.firstPage())
                  .setCount(span.count()));
        }
        stream.send(SendImagesRequest.newBuilder().setStale(stale).build(), 0);
      }
    }

    @Override
    public void complete(int count, long bytes, long roundPages) throws InterruptedException {
      stream.send(
          SendImagesRequest.newBuilder()
              .setComplete(
                  ImagesComplete.newBuilder()
                      .setImages(count)
                      .setBytes(bytes)
                      .setRoundPages(roundPages))
              .build(),
          0);
    }

    @Override
    public void awaitComplete() throws InterruptedException {
      stream.await(() -> complete.getCount() == 0);
    }

    @Override
    public void sendHeldPacket(byte[] packet) throws InterruptedException {
      stream.send(
          SendImagesRequest.newBuilder()
              .setPacket(HeldPacket.newBuilder().setPacket(ByteString.copyFrom(packet)))
              .build(),
          packet.length);
    }

    private void received(SendImagesResponse response) {
      if (response.getComplete()) {
        complete.countDown();
      }
      stream.granted(response.getGrant());
    }
  }

  private static final class Pages implements PageChannel {
    final OutboundStream<PageRequest, SendPagesResponse> stream;

    Pages(int index, ManagedChannel connection, StreamOpen open, CallOptions options) {
      stream =
          new OutboundStream<>(
              "page stream " + index,
              connection.newCall(
                  PageRequestMarshaller.method(TransferServiceGrpc.getSendPagesMethod()),
                  options.withOnReadyThreshold(BUFFERED_BYTES)),
              this::received);
      stream.open(new PageRequest.Open(open));
    }

    @Override
    public void send(PageBatch batch) throws InterruptedException {
      stream.send(new PageRequest.Pages(batch), (long) batch.pages() * PAGE_BYTES);
    }

    @Override
    public boolean isReadyFor(int pages) {
      return stream.isReadyFor((long) pages * PAGE_BYTES);
    }

    @Override
    public void awaitStored() throws InterruptedException {
      // The target would tell only when it has stored more.
      stream.send(new PageRequest.Pages(NO_PAGES), 0);
      stream.awaitStored();
    }

    @Override
    public long storedPages() {
      return stream.storedBytes() / PAGE_BYTES;
    }

    private void received(SendPagesResponse response) {
      stream.granted(response.getGrant());
    }
  }

  private static final class Faults implements PageChannel {
    final OutboundStream<PageRequest, ServeFaultsResponse> stream;
    volatile Demands demands = (vpid, firstPage, count, again) -> {};

    Faults(ManagedChannel connection, StreamOpen open, CallOptions options) {
      stream =
          new OutboundStream<>(
              "fault stream",
              connection.newCall(
                  PageRequestMarshaller.method(TransferServiceGrpc.getServeFaultsMethod()),
                  options),
              this::received);
      stream.open(new PageRequest.Open(open));
    }

    @Override
    public void send(PageBatch batch) throws InterruptedException {
      stream.send(new PageRequest.Pages(batch), (long) batch.pages() * PAGE_BYTES);
    }

    @Override
    public boolean isReadyFor(int pages) {
      return stream.isReadyFor((long) pages * PAGE_BYTES);
    }

    @Override
    public void awaitStored() throws InterruptedException {
      // The target would tell only when it has stored more.
      stream.send(new PageRequest.Pages(NO_PAGES), 0);
      stream.awaitStored();
    }

    @Override
    public long storedPages() {
      return stream.storedBytes() / PAGE_BYTES;
    }

    private void received(ServeFaultsResponse response) {
      switch (response.getKindCase()) {
        case DEMAND -> {
          PageDemand demand = response.getDemand();
          demands.demand(
              demand.getVpid(), demand.getFirstPage(), demand.getCount(), demand.getAgain());
        }
        case GRANT -> stream.granted(response.getGrant());
        case KIND_NOT_SET -> {}
      }
    }
  }
}
