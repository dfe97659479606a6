package io.longshore.target.rpc;

import com.google.protobuf.util.Durations;
import io.grpc.stub.StreamObserver;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.transfer.v1.ProbeLinkRequest;
import io.longshore.transfer.v1.ProbeLinkResponse;
import java.util.concurrent.Semaphore;
import java.util.function.LongSupplier;

/**
 * One probe of the way to here: counts what comes and keeps nothing. It answers when the sender has
 * no more, and at the latest after so much or so long; what comes then is dropped.
 */
final class LinkProbeStream implements StreamObserver<ProbeLinkRequest> {
  static final int MESSAGE_BYTES = 1 << 20;
  static final long MOST_BYTES = 64 << 20;
  static final long MOST_NANOS = 500_000_000;

  /** Streams of a few sources at once. */
  static final int MOST_AT_ONCE = 32;

  private final StreamObserver<ProbeLinkResponse> responses;
  private final Semaphore places;
  private final LongSupplier clock;
  private final long begin;
  private long bytes;
  private long measuredSince;
  private long measuredUntil;
  private long measuredBytes;
  private boolean over;

  /**
   * @param places how many more there may be at once
   * @param clock nanoseconds
   */
  LinkProbeStream(
      StreamObserver<ProbeLinkResponse> responses, Semaphore places, LongSupplier clock) {
    if (!places.tryAcquire()) {
      throw new LongshoreException(
          Reason.CREDIT_EXCEEDED,
          "%d probes of the link are under way: repeat it later".formatted(MOST_AT_ONCE));
    }
    this.responses = responses;
    this.places = places;
    this.clock = clock;
    this.begin = clock.getAsLong();
    this.measuredSince = begin;
    this.measuredUntil = begin;
  }

  @Override
  public synchronized void onNext(ProbeLinkRequest request) {
    if (over) {
      return;
    }
    PageBatches.checkLength("a payload", request.getPayload().size(), MESSAGE_BYTES);
    long now = clock.getAsLong();
    bytes += request.getPayload().size();
    if (request.getMeasured()) {
      measuredBytes += request.getPayload().size();
      measuredUntil = now;
    } else {
      measuredSince = now;
    }
    if (bytes >= MOST_BYTES || now - begin >= MOST_NANOS) {
      answer();
    }
  }

  private void answer() {
    end();
    responses.onNext(
        ProbeLinkResponse.newBuilder()
            .setMeasuredBytes(measuredBytes)
            .setMeasuredTime(Durations.fromNanos(Math.max(0, measuredUntil - measuredSince)))
            .build());
    responses.onCompleted();
  }

  /** The time is over, whatever has come. */
  synchronized void expire() {
    if (!over) {
      answer();
    }
  }

  /** It is over, in whichever way. Idempotent. */
  synchronized void end() {
    if (!over) {
      over = true;
      places.release();
    }
  }

  @Override
  public void onError(Throwable failure) {
    end();
  }

  @Override
  public synchronized void onCompleted() {
    if (!over) {
      answer();
    }
  }
}
