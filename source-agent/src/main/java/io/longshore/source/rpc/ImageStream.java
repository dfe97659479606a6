package io.longshore.source.rpc;

import com.google.protobuf.ByteString;
import io.longshore.source.images.ImageChannel;
import io.longshore.source.pages.Rounds.PageSpan;
import io.longshore.source.pages.TransferBrokenException;
import io.longshore.transfer.v1.HeldPacket;
import io.longshore.transfer.v1.ImageChunk;
import io.longshore.transfer.v1.ImagesComplete;
import io.longshore.transfer.v1.KeptPages;
import io.longshore.transfer.v1.SendImagesRequest;
import io.longshore.transfer.v1.SendImagesResponse;
import io.longshore.transfer.v1.StalePages;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.zip.Adler32;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The stream of images and held packets. It is opened again when it is cut, but the images must all
 * go over one stream: the workload stands still meanwhile, and is not kept waiting for a link.
 */
final class ImageStream
    implements ImageChannel, LastingStream.User<SendImagesRequest, SendImagesResponse> {
  /** Of stale pages in one message. */
  private static final int SPANS = 16384;

  private final LastingStream<SendImagesRequest, SendImagesResponse> stream;
  private final CountDownLatch complete = new CountDownLatch(1);
  private volatile @Nullable OutboundStream<SendImagesRequest, SendImagesResponse> ofImages;

  /** Begins to open it. */
  ImageStream(LastingStream.Way<SendImagesRequest, SendImagesResponse> way) {
    stream = new LastingStream<>(way, this);
  }

  @Override
  public void send(String name, long offset, byte[] data, int start, int length, boolean last)
      throws InterruptedException {
    CRC32C checksum = new CRC32C();
    checksum.update(data, start, length);
    ofImages()
        .send(
            SendImagesRequest.newBuilder()
                .setChunk(
                    ImageChunk.newBuilder()
                        .setName(name)
                        .setOffset(offset)
                        .setCrc32C((int) checksum.getValue())
                        .setLast(last)
                        .setData(ByteString.copyFrom(data, start, length)))
                .build(),
            length);
  }

  @Override
  public void sendKept(
      String name,
      long offset,
      byte[] data,
      int start,
      int length,
      List<PageSpan> pages,
      boolean last)
      throws InterruptedException {
    CRC32 crc = new CRC32();
    crc.update(data, start, length);
    Adler32 sum = new Adler32();
    sum.update(data, start, length);
    KeptPages.Builder kept =
        KeptPages.newBuilder()
            .setName(name)
            .setOffset(offset)
            .setLast(last)
            .setCrc32((int) crc.getValue())
            .setAdler32((int) sum.getValue());
    pages.forEach(span -> kept.addPages(message(span)));
    ofImages().send(SendImagesRequest.newBuilder().setKept(kept).build(), length);
  }

  private static io.longshore.transfer.v1.PageSpan message(PageSpan span) {
    return io.longshore.transfer.v1.PageSpan.newBuilder()
        .setVpid(span.vpid())
        .setFirstPage(span.firstPage())
        .setCount(span.count())
        .build();
  }

  @Override
  public void forget(List<PageSpan> pages) throws InterruptedException {
    for (int from = 0; from < pages.size(); from += SPANS) {
      StalePages.Builder stale = StalePages.newBuilder();
      for (PageSpan span : pages.subList(from, Math.min(pages.size(), from + SPANS))) {
        stale.addSpans(message(span));
      }
      ofImages().send(SendImagesRequest.newBuilder().setStale(stale).build(), 0);
    }
  }

  @Override
  public void complete(int count, long bytes, long roundPages) throws InterruptedException {
    ofImages()
        .send(
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
    ofImages().await(() -> complete.getCount() == 0);
  }

  @Override
  public void sendHeldPacket(byte[] packet) throws InterruptedException {
    stream
        .requireOpen()
        .send(
            SendImagesRequest.newBuilder()
                .setPacket(HeldPacket.newBuilder().setPacket(ByteString.copyFrom(packet)))
                .build(),
            packet.length);
  }

  void awaitAccepted() throws InterruptedException {
    stream.awaitAccepted();
  }

  Duration brokenFor() {
    return stream.brokenFor();
  }

  void finish() {
    stream.finish();
  }

  void cancel(String why) {
    stream.cancel(why);
  }

  void close() {
    stream.close();
  }

  @Override
  public void received(
      OutboundStream<SendImagesRequest, SendImagesResponse> from, SendImagesResponse response) {
    if (response.getComplete()) {
      complete.countDown();
    }
    from.granted(response.getGrant());
  }

  @Override
  public void changedTo(OutboundStream<SendImagesRequest, SendImagesResponse> newStream) {}

  @Override
  public void lost(OutboundStream<SendImagesRequest, SendImagesResponse> oldStream) {}

  /**
   * The stream that the first image went over.
   *
   * @throws TransferBrokenException if there is none now
   */
  private synchronized OutboundStream<SendImagesRequest, SendImagesResponse> ofImages() {
    OutboundStream<SendImagesRequest, SendImagesResponse> chosen = ofImages;
    if (chosen == null) {
      chosen = stream.requireOpen();
      ofImages = chosen;
    }
    return chosen;
  }
}
