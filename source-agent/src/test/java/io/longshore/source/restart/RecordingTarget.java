package io.longshore.source.restart;

import com.google.protobuf.ByteString;
import io.grpc.stub.StreamObserver;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.longshore.transfer.v1.Grant;
import io.longshore.transfer.v1.PageBatch;
import io.longshore.transfer.v1.PageDemand;
import io.longshore.transfer.v1.PageEncoding;
import io.longshore.transfer.v1.PageRun;
import io.longshore.transfer.v1.SendImagesRequest;
import io.longshore.transfer.v1.SendImagesResponse;
import io.longshore.transfer.v1.SendPagesRequest;
import io.longshore.transfer.v1.SendPagesResponse;
import io.longshore.transfer.v1.ServeFaultsRequest;
import io.longshore.transfer.v1.ServeFaultsResponse;
import io.longshore.transfer.v1.TransferServiceGrpc;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A target that keeps what it is sent and restores nothing. */
final class RecordingTarget extends TransferServiceGrpc.TransferServiceImplBase {
  private static final long ALL = 1L << 40;

  private final GrpcServer server =
      GrpcServer.builder(
              "recording-target", new HostPort("127.0.0.1", 0), new PlaintextOnLoopback())
          .add(this)
          .build();

  /** Every page that came, by number. */
  final Map<Long, byte[]> pages = new ConcurrentHashMap<>();

  private final AtomicBoolean open = new AtomicBoolean(true);

  final AtomicInteger openedFaultStreams = new AtomicInteger();

  /** Set once the target was told that it has everything and may run the workload. */
  final AtomicBoolean complete = new AtomicBoolean();

  /** Run on the network's thread at that moment. */
  volatile Runnable whenComplete = () -> {};

  /** Bytes of pages that each stream may send. */
  volatile long pageLimit = ALL;

  private volatile @Nullable StreamObserver<ServeFaultsResponse> faults;

  static RecordingTarget start() throws Exception {
    RecordingTarget target = new RecordingTarget();
    target.server.start();
    return target;
  }

  String endpoint() {
    return server.address().toString();
  }

  void demand(int vpid, long page) {
    StreamObserver<ServeFaultsResponse> stream = faults;
    if (stream == null) {
      throw new AssertionError("there is no fault stream");
    }
    synchronized (this) {
      stream.onNext(
          ServeFaultsResponse.newBuilder()
              .setDemand(PageDemand.newBuilder().setVpid(vpid).setFirstPage(page).setCount(1))
              .build());
    }
  }

  void close() throws Exception {
    if (open.getAndSet(false)) {
      server.stop();
    }
  }

  @Override
  public StreamObserver<SendImagesRequest> sendImages(StreamObserver<SendImagesResponse> to) {
    return new Receiver<>(to) {
      @Override
      public void onNext(SendImagesRequest request) {
        if (request.hasOpen()) {
          to.onNext(
              SendImagesResponse.newBuilder()
                  .setGrant(Grant.newBuilder().setLimitBytes(ALL))
                  .build());
        } else if (request.hasComplete()) {
          complete.set(true);
          whenComplete.run();
          to.onNext(SendImagesResponse.newBuilder().setComplete(true).build());
        }
      }
    };
  }

  @Override
  public StreamObserver<SendPagesRequest> sendPages(StreamObserver<SendPagesResponse> to) {
    return new Receiver<>(to) {
      private long stored;

      @Override
      public void onNext(SendPagesRequest request) {
        if (request.hasBatch()) {
          stored += store(request.getBatch());
        }
        to.onNext(SendPagesResponse.newBuilder().setGrant(grant(stored, pageLimit)).build());
      }
    };
  }

  @Override
  public StreamObserver<ServeFaultsRequest> serveFaults(StreamObserver<ServeFaultsResponse> to) {
    return new Receiver<>(to) {
      private long stored;

      @Override
      public void onNext(ServeFaultsRequest request) {
        if (request.hasBatch()) {
          stored += store(request.getBatch());
        }
        synchronized (RecordingTarget.this) {
          to.onNext(ServeFaultsResponse.newBuilder().setGrant(grant(stored, ALL)).build());
        }
        if (request.hasOpen()) {
          faults = to;
          openedFaultStreams.incrementAndGet();
        }
      }
    };
  }

  private static Grant grant(long stored, long limit) {
    return Grant.newBuilder().setStoredBytes(stored).setLimitBytes(limit).build();
  }

  private long store(PageBatch batch) {
    ByteString payload = batch.getPayload();
    int at = 0;
    long bytes = 0;
    for (PageRun run : batch.getRunsList()) {
      for (int i = 0; i < run.getCount(); i++) {
        byte[] page = new byte[4096];
        if (run.getEncoding() == PageEncoding.PAGE_ENCODING_RAW) {
          payload.substring(at, at + page.length).copyTo(page, 0);
          at += page.length;
        }
        byte[] before = pages.put(run.getFirstPage() + i, page);
        if (before != null && !Arrays.equals(before, page)) {
          throw new AssertionError("page " + (run.getFirstPage() + i) + " changed");
        }
        bytes += page.length;
      }
    }
    return bytes;
  }

  private abstract static class Receiver<Q, R> implements StreamObserver<Q> {
    final StreamObserver<R> to;

    Receiver(StreamObserver<R> to) {
      this.to = to;
    }

    @Override
    public void onError(Throwable failure) {
      // The agent was killed.
    }

    @Override
    public void onCompleted() {
      to.onCompleted();
    }
  }
}
