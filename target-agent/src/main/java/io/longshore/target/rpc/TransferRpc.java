package io.longshore.target.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.BindableService;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.longshore.linux.PageSize;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.arrival.Arrival;
import io.longshore.target.arrival.Arrivals;
import io.longshore.target.files.FileArrivals;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageNotAnnouncedException;
import io.longshore.target.pages.PageRange;
import io.longshore.transfer.v1.Grant;
import io.longshore.transfer.v1.HeldPacket;
import io.longshore.transfer.v1.ImageChunk;
import io.longshore.transfer.v1.ImagesComplete;
import io.longshore.transfer.v1.KeptPages;
import io.longshore.transfer.v1.PageDemand;
import io.longshore.transfer.v1.PageSpan;
import io.longshore.transfer.v1.ProbeLinkResponse;
import io.longshore.transfer.v1.SendImagesRequest;
import io.longshore.transfer.v1.SendImagesResponse;
import io.longshore.transfer.v1.SendPagesResponse;
import io.longshore.transfer.v1.ServeFaultsResponse;
import io.longshore.transfer.v1.StalePages;
import io.longshore.transfer.v1.StreamOpen;
import io.longshore.transfer.v1.TransferServiceGrpc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.zip.Adler32;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Receives images and pages. Everything that a stream brings is foreign: it is checked before it is
 * stored, and the first thing wrong ends the stream and changes nothing.
 *
 * <p>Each callback stores what it was given before it returns, so that gRPC asks the network for
 * more only as fast as pages are stored; the grant bounds what one stream may have on its way.
 */
public final class TransferRpc implements BindableService {
  private static final int PAYLOAD_BYTES = 1 << 20;
  private static final int PACKET_BYTES = 1 << 16;

  private final Arrivals arrivals;
  private final FileArrivals files;
  private final PageRequestMarshaller marshaller = new PageRequestMarshaller();
  private final Semaphore probes = new Semaphore(LinkProbeStream.MOST_AT_ONCE);
  private final Map<Place, Stream<?, ?>> open = new ConcurrentHashMap<>();

  /** What a stream is opened again as. */
  private record Place(String migration, Class<?> kind, int number) {}

  /** Receives for these migrations, and their files. */
  public TransferRpc(Arrivals arrivals, FileArrivals files) {
    this.arrivals = arrivals;
    this.files = files;
  }

  @Override
  public ServerServiceDefinition bindService() {
    ServiceDescriptor generated = TransferServiceGrpc.getServiceDescriptor();
    var images = TransferServiceGrpc.getSendImagesMethod();
    var pages = marshaller.method(TransferServiceGrpc.getSendPagesMethod());
    var faults = marshaller.method(TransferServiceGrpc.getServeFaultsMethod());
    return ServerServiceDefinition.builder(
            ServiceDescriptor.newBuilder(generated.getName())
                .setSchemaDescriptor(generated.getSchemaDescriptor())
                .addMethod(images)
                .addMethod(pages)
                .addMethod(faults)
                .addMethod(TransferServiceGrpc.getSyncFilesMethod())
                .addMethod(TransferServiceGrpc.getProbeLinkMethod())
                .build())
        .addMethod(images, ServerCalls.asyncBidiStreamingCall(out -> new ImageStream(callOf(out))))
        .addMethod(pages, ServerCalls.asyncBidiStreamingCall(out -> new PageStream(callOf(out))))
        .addMethod(faults, ServerCalls.asyncBidiStreamingCall(out -> new FaultStream(callOf(out))))
        .addMethod(
            TransferServiceGrpc.getSyncFilesMethod(),
            ServerCalls.asyncBidiStreamingCall(out -> new FileStream(arrivals, files, callOf(out))))
        .addMethod(
            TransferServiceGrpc.getProbeLinkMethod(),
            ServerCalls.asyncClientStreamingCall(out -> probe(callOf(out))))
        .build();
  }

  private LinkProbeStream probe(ServerCallStreamObserver<ProbeLinkResponse> responses) {
    LinkProbeStream stream = new LinkProbeStream(responses, probes, System::nanoTime);
    responses.setOnCancelHandler(stream::end);
    responses.setOnCloseHandler(stream::end);
    // Also of one that sends nothing.
    Thread.ofVirtual().name("probe-limit").start(() -> expire(stream));
    return stream;
  }

  private static void expire(LinkProbeStream stream) {
    try {
      Thread.sleep(Duration.ofNanos(LinkProbeStream.MOST_NANOS));
      stream.expire();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static <R> ServerCallStreamObserver<R> callOf(StreamObserver<R> responses) {
    return (ServerCallStreamObserver<R>) responses;
  }

  /** What all streams have in common: opened first, granted, ended once. */
  private abstract class Stream<Q, R> implements StreamObserver<Q> {
    /**
     * What a stream may have on its way: more than a fast link's bandwidth times its round trip.
     */
    static final long WINDOW_BYTES = 4 << 20;

    final ServerCallStreamObserver<R> responses;
    @Nullable Arrival arrival;
    private @Nullable Place place;
    private long receivedBytes;
    private long grantedBytes;

    /** Whether nothing more is taken: it has ended, or another stream has its place. */
    @GuardedBy("this")
    private boolean closed;

    Stream(ServerCallStreamObserver<R> responses) {
      this.responses = responses;
      responses.setOnCancelHandler(this::leave);
      responses.setOnCloseHandler(this::leave);
      responses.setOnReadyHandler(this::tellAgain);
    }

    @Override
    public final synchronized void onNext(Q request) {
      if (!closed) {
        take(request);
      }
    }

    abstract void take(Q request);

    final void open(StreamOpen opening) {
      if (arrival != null) {
        throw new LongshoreException(Reason.MALFORMED_STREAM, "the stream was opened before");
      }
      arrival =
          arrivals.open(
              opening.getMigrationId(), opening.getEpoch(), opening.getSecret().toByteArray());
      if (opening.getNumber() > 0) {
        arrival.admitStream(
            "%s %d".formatted(getClass().getSimpleName(), opening.getNumber()), opening.getAgain());
        place = new Place(opening.getMigrationId(), getClass(), opening.getNumber());
        Stream<?, ?> before = open.put(place, this);
        if (before != null) {
          before.giveUpPlace();
        }
      }
      opened(arrival);
      grantedBytes = WINDOW_BYTES;
      grant(Grant.newBuilder().setLimitBytes(WINDOW_BYTES).build());
    }

    final Arrival arrival() {
      if (arrival == null) {
        throw new LongshoreException(
            Reason.MALFORMED_STREAM, "the first message of a stream must open it");
      }
      return arrival;
    }

    /** Refuses more than was granted, before it is looked at. */
    final void receive(long bytes) {
      // Everything before this message is stored, so the grant is a window from there.
      if (bytes > WINDOW_BYTES) {
        throw new LongshoreException(
            Reason.CREDIT_EXCEEDED,
            "%d bytes in one message; %d were granted".formatted(bytes, WINDOW_BYTES));
      }
      receivedBytes += bytes;
    }

    /**
     * Says what is stored, if anything is that was not told. A sender that does not read is told
     * when it does: what it is to be told must not pile up here.
     */
    final void stored() {
      if (receivedBytes + WINDOW_BYTES == grantedBytes || arrival == null || !responses.isReady()) {
        return;
      }
      grantedBytes = receivedBytes + WINDOW_BYTES;
      grant(Grant.newBuilder().setLimitBytes(grantedBytes).setStoredBytes(receivedBytes).build());
    }

    private synchronized void tellAgain() {
      if (!closed) {
        stored();
      }
    }

    /**
     * The source has opened this stream again, because it found it broken. What is still on its way
     * here must not be taken after what comes on the new one, and is not waited for.
     */
    private void giveUpPlace() {
      ended();
      synchronized (this) {
        if (!closed) {
          closed = true;
          responses.onError(
              Status.CANCELLED.withDescription("the stream was opened again").asException());
        }
      }
    }

    private void leave() {
      if (place != null) {
        open.remove(place, this);
      }
      ended();
    }

    /** Bytes that are stored and the sender was not told of. */
    final long untoldBytes() {
      return receivedBytes + WINDOW_BYTES - grantedBytes;
    }

    abstract void opened(Arrival opened);

    abstract void grant(Grant grant);

    /** The stream is over, in whichever way. */
    void ended() {}

    @Override
    public void onError(Throwable failure) {
      leave();
    }

    @Override
    public void onCompleted() {
      leave();
      synchronized (this) {
        if (!closed) {
          closed = true;
          responses.onCompleted();
        }
      }
    }
  }

  private final class ImageStream extends Stream<SendImagesRequest, SendImagesResponse> {
    ImageStream(ServerCallStreamObserver<SendImagesResponse> responses) {
      super(responses);
    }

    @Override
    void take(SendImagesRequest request) {
      switch (request.getKindCase()) {
        case OPEN -> open(request.getOpen());
        case CHUNK -> chunk(request.getChunk());
        case COMPLETE -> complete(request.getComplete());
        case PACKET -> packet(request.getPacket());
        case STALE -> stale(request.getStale());
        case KEPT -> kept(request.getKept());
        case KIND_NOT_SET ->
            throw new LongshoreException(Reason.MALFORMED_STREAM, "an empty message");
      }
    }

    private void chunk(ImageChunk chunk) {
      Arrival to = arrival();
      PageBatches.checkLength("a piece of an image", chunk.getData().size(), PAYLOAD_BYTES);
      receive(chunk.getData().size());
      ByteBuffer data = chunk.getData().asReadOnlyByteBuffer();
      PageBatches.checkSum(data, chunk.getCrc32C());
      write(to, chunk.getName(), chunk.getOffset(), data, chunk.getLast());
      stored();
    }

    private void kept(KeptPages kept) {
      Arrival to = arrival();
      int bytes = keptBytes(kept);
      receive(bytes);
      ByteBuffer data = ByteBuffer.allocate(bytes);
      try {
        for (PageSpan span : kept.getPagesList()) {
          if (span.getVpid() == 0) {
            // It is of zeros already.
            data.position(data.position() + (int) span.getCount() * PageSize.BYTES);
          } else {
            to.pages()
                .copyOfRound(
                    span.getVpid(),
                    new PageRange(span.getFirstPage(), (int) span.getCount()),
                    data);
          }
        }
      } catch (PageNotAnnouncedException e) {
        throw new LongshoreException(
            Reason.MALFORMED_STREAM, "an image is said to hold what did not come in a round", e);
      }
      checkSums(data.flip(), kept);
      write(to, kept.getName(), kept.getOffset(), data, kept.getLast());
      stored();
    }

    /**
     * The source found them by hash. These two and the CRC-32C in that hash are independent enough
     * of each other, whatever a page holds of its own checksums.
     */
    private static void checkSums(ByteBuffer data, KeptPages kept) {
      CRC32 crc = new CRC32();
      crc.update(data.duplicate());
      Adler32 sum = new Adler32();
      sum.update(data.duplicate());
      if ((int) crc.getValue() != kept.getCrc32() || (int) sum.getValue() != kept.getAdler32()) {
        throw new LongshoreException(
            Reason.BAD_CHECKSUM, "kept pages of %s hold something else".formatted(kept.getName()));
      }
    }

    private static int keptBytes(KeptPages kept) {
      long pages = 0;
      for (PageSpan span : kept.getPagesList()) {
        if (span.getCount() < 1
            || span.getCount() > PAYLOAD_BYTES / PageSize.BYTES
            || span.getFirstPage() < 0
            || span.getFirstPage() > Long.MAX_VALUE - span.getCount()) {
          throw new LongshoreException(Reason.MALFORMED_STREAM, "kept pages that cannot be");
        }
        pages += span.getCount();
      }
      PageBatches.checkLength(
          "a piece of an image",
          (int) Math.min(pages * PageSize.BYTES, Integer.MAX_VALUE),
          PAYLOAD_BYTES);
      return (int) pages * PageSize.BYTES;
    }

    private static void write(Arrival to, String name, long offset, ByteBuffer data, boolean last) {
      try {
        to.images().write(name, offset, data, last);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot write an image", e);
      }
    }

    private void complete(ImagesComplete complete) {
      arrival().imagesComplete(complete.getImages(), complete.getBytes(), complete.getRoundPages());
      responses.onNext(SendImagesResponse.newBuilder().setComplete(true).build());
    }

    private void stale(StalePages stale) {
      Arrival to = arrival();
      for (PageSpan span : stale.getSpansList()) {
        to.pages().forgetOfRound(span.getVpid(), span.getFirstPage(), span.getCount());
      }
    }

    private void packet(HeldPacket packet) {
      Arrival to = arrival();
      PageBatches.checkLength("a packet", packet.getPacket().size(), PACKET_BYTES);
      receive(packet.getPacket().size());
      to.hold(packet.getPacket().toByteArray());
      stored();
    }

    @Override
    void opened(Arrival opened) {}

    @Override
    void grant(Grant grant) {
      responses.onNext(SendImagesResponse.newBuilder().setGrant(grant).build());
    }
  }

  /** A stream that brings pages. */
  private abstract class Pages<R> extends Stream<PageRequest, R> {
    private final CRC32C checksum = new CRC32C();

    Pages(ServerCallStreamObserver<R> responses) {
      super(responses);
    }

    @Override
    final void take(PageRequest request) {
      switch (request) {
        case PageRequest.Open(StreamOpen opening) -> open(opening);
        case PageRequest.Batch batch -> {
          try {
            Arrival to = arrival();
            receive(PageBatches.bytes(batch));
            PageBatches.store(batch, to.pages(), checksum);
          } finally {
            marshaller.release(batch);
          }
          // To be told costs the sender nearly as much as to send a batch, and takes time from a
          // demand. An empty batch asks.
          if (batch.runs().isEmpty() || untoldBytes() >= WINDOW_BYTES / 2) {
            stored();
          }
        }
        case PageRequest.Malformed(String why) -> throw PageBatches.malformed(why);
      }
    }
  }

  private final class PageStream extends Pages<SendPagesResponse> {
    PageStream(ServerCallStreamObserver<SendPagesResponse> responses) {
      super(responses);
    }

    @Override
    void opened(Arrival opened) {}

    @Override
    void grant(Grant grant) {
      responses.onNext(SendPagesResponse.newBuilder().setGrant(grant).build());
    }
  }

  private final class FaultStream extends Pages<ServeFaultsResponse> {
    // Demands come from the page installer, grants from this stream's callbacks.
    private final Object sending = new Object();
    private final Demands.Sender way = this::demand;
    private volatile @Nullable Demands demands;

    @GuardedBy("sending")
    private boolean over;

    FaultStream(ServerCallStreamObserver<ServeFaultsResponse> responses) {
      super(responses);
    }

    @Override
    void opened(Arrival opened) {
      Demands opening = opened.demands();
      demands = opening;
      opening.connect(way);
    }

    @Override
    void grant(Grant grant) {
      send(ServeFaultsResponse.newBuilder().setGrant(grant).build());
    }

    @Override
    void ended() {
      synchronized (sending) {
        // A demand after the end would be an error of the installer, and lose the workload.
        over = true;
      }
      // The arrival may have let go of them.
      Demands connected = demands;
      if (connected != null) {
        connected.disconnect(way);
      }
    }

    private void demand(int vpid, long firstPage, int count, boolean again) {
      send(
          ServeFaultsResponse.newBuilder()
              .setDemand(
                  PageDemand.newBuilder()
                      .setVpid(vpid)
                      .setFirstPage(firstPage)
                      .setCount(count)
                      .setAgain(again))
              .build());
    }

    private void send(ServeFaultsResponse response) {
      synchronized (sending) {
        if (!over && !responses.isCancelled()) {
          responses.onNext(response);
        }
      }
    }
  }
}
