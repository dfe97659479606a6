package io.longshore.source.rpc;

import io.grpc.Channel;
import io.grpc.ClientCall;
import io.longshore.linux.ThreadNiceness;
import io.longshore.platform.rpc.Destination;
import io.longshore.platform.rpc.EventLoops;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.TransportTuning;
import io.longshore.platform.value.HostPort;
import io.longshore.source.departure.DataPlane;
import io.longshore.source.images.ImageChannel;
import io.longshore.source.pages.PageChannel;
import io.longshore.source.rpc.LastingStream.Way;
import io.longshore.transfer.v1.PageDemand;
import io.longshore.transfer.v1.SendImagesRequest;
import io.longshore.transfer.v1.SendPagesResponse;
import io.longshore.transfer.v1.ServeFaultsResponse;
import io.longshore.transfer.v1.StreamOpen;
import io.longshore.transfer.v1.TransferServiceGrpc;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The data streams of one migration to its target: one for images, several for pages, one for pages
 * that are asked for. Page streams and the fault stream have a TCP connection each, so that a
 * demand does not queue behind the push. Each is opened again if it is cut.
 */
final class TransferClient implements DataPlane {
  private static final String CANCELLED = "the migration was rolled back";

  // For all migrations from here. Those of the push are others than those that somebody waits for.
  private static final EventLoops PUSH =
      new EventLoops(8, ThreadNiceness.threads("push-network", ThreadNiceness.NORMAL));
  private static final EventLoops WAITED_FOR =
      new EventLoops(4, ThreadNiceness.threads("waited-for-network", ThreadNiceness.URGENT));

  /** What gRPC may hold of a stream of pages: two batches. */
  private static final int BUFFERED_BYTES = 2 << 20;

  private final GrpcChannels channels;
  private final Destination target;
  private final TransportTuning tuning;
  private final WireBytes wireBytes = new WireBytes();
  private final ImageStream images;
  private final List<PageStream<SendPagesResponse>> pages = new ArrayList<>();
  private final PageStream<ServeFaultsResponse> faults;
  private volatile StreamOpen open;
  private volatile Demands demands = (vpid, firstPage, count, again) -> {};
  private volatile Runnable whenTargetRestarted = () -> {};

  /**
   * Opens all streams. Returns at once; the first use of a stream tells whether it could be opened.
   *
   * @param pageStreams how many streams for pages
   * @param silence how long nothing may be heard over a connection until it counts as cut
   */
  TransferClient(
      GrpcChannels channels, HostPort target, StreamOpen open, int pageStreams, Duration silence) {
    this.channels = channels;
    this.target = Destination.targetAgent(target);
    this.tuning = TransportTuning.BULK.withSilence(silence);
    this.open = open;
    images = imageStream();
    for (int number = 1; number <= pageStreams; number++) {
      pages.add(pageStream(number));
    }
    faults = faultStream();
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
  public void onDemand(Demands newDemands) {
    demands = newDemands;
  }

  @Override
  public void onTargetRestarted(Runnable listener) {
    whenTargetRestarted = listener;
  }

  @Override
  public void awaitOpen() throws InterruptedException {
    images.awaitAccepted();
    for (PageStream<?> stream : pages) {
      stream.awaitAccepted();
    }
    faults.awaitAccepted();
  }

  @Override
  public synchronized void admit(long epoch) {
    if (epoch > open.getEpoch()) {
      open = open.toBuilder().setEpoch(epoch).build();
    }
  }

  @Override
  public Duration brokenFor() {
    return Stream.concat(
            Stream.of(images.brokenFor(), faults.brokenFor()),
            pages.stream().map(PageStream::brokenFor))
        .max(Comparator.naturalOrder())
        .orElseThrow();
  }

  @Override
  public long bytesOnWire() {
    return wireBytes.total();
  }

  @Override
  public void finish() {
    images.finish();
    pages.forEach(PageStream::finish);
    faults.finish();
    close();
  }

  @Override
  public void cancel() {
    images.cancel(CANCELLED);
    pages.forEach(stream -> stream.cancel(CANCELLED));
    faults.cancel(CANCELLED);
    close();
  }

  private void close() {
    images.close();
    pages.forEach(PageStream::close);
    faults.close();
  }

  private <Q, R> Way<Q, R> way(
      String name,
      EventLoops loops,
      Function<Channel, ClientCall<Q, R>> calls,
      LastingStream.Opening<Q> first) {
    return new Way<>(
        name.replace('-', ' ') + " of migration " + open.getMigrationId(),
        () -> channels.open(target, "transfer-" + name, tuning, loops),
        calls,
        first,
        () -> whenTargetRestarted.run());
  }

  private StreamOpen opening(int number, boolean again) {
    return open.toBuilder().setNumber(number).setAgain(again).build();
  }

  private PageStream<SendPagesResponse> pageStream(int number) {
    return new PageStream<>(
        way(
            "page-stream-" + number,
            PUSH,
            connection ->
                connection.newCall(
                    PageRequestMarshaller.method(TransferServiceGrpc.getSendPagesMethod()),
                    wireBytes.options().withOnReadyThreshold(BUFFERED_BYTES)),
            again -> new PageRequest.Open(opening(number, again))),
        (from, response) -> from.granted(response.getGrant()));
  }

  private PageStream<ServeFaultsResponse> faultStream() {
    return new PageStream<>(
        way(
            "fault-stream",
            WAITED_FOR,
            connection ->
                connection.newCall(
                    PageRequestMarshaller.method(TransferServiceGrpc.getServeFaultsMethod()),
                    wireBytes.options()),
            again -> new PageRequest.Open(opening(1, again))),
        this::received);
  }

  private ImageStream imageStream() {
    return new ImageStream(
        way(
            "image-stream",
            WAITED_FOR,
            connection ->
                connection.newCall(TransferServiceGrpc.getSendImagesMethod(), wireBytes.options()),
            again -> SendImagesRequest.newBuilder().setOpen(opening(1, again)).build()));
  }

  private void received(
      OutboundStream<PageRequest, ServeFaultsResponse> from, ServeFaultsResponse response) {
    switch (response.getKindCase()) {
      case DEMAND -> {
        PageDemand demand = response.getDemand();
        demands.demand(
            demand.getVpid(), demand.getFirstPage(), demand.getCount(), demand.getAgain());
      }
      case GRANT -> from.granted(response.getGrant());
      case KIND_NOT_SET -> {}
    }
  }
}
