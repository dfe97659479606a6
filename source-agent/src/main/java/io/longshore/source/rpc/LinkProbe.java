package io.longshore.source.rpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import com.google.protobuf.util.Durations;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.ClientCalls;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.Destination;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.TransportTuning;
import io.longshore.platform.value.HostPort;
import io.longshore.source.profile.LinkProfile;
import io.longshore.transfer.v1.ProbeLinkRequest;
import io.longshore.transfer.v1.ProbeLinkResponse;
import io.longshore.transfer.v1.TransferServiceGrpc;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Measures the way to a target with what it has for pages: as many connections, set up and
 * encrypted in the same way, over which it sends bytes that nobody keeps.
 */
public final class LinkProbe {
  private static final int ROUND_TRIPS = 9;
  private static final int MESSAGE_BYTES = 256 << 10;
  private static final Duration WARM_UP = Duration.ofMillis(60);
  private static final Duration MEASURED = Duration.ofMillis(200);

  /** Less than a target takes, over all connections. */
  private static final long MOST_BYTES = 56 << 20;

  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final GrpcChannels channels;
  private final int streams;
  private final ByteString payload = randomBytes();

  /**
   * @param streams how many streams carry pages at once
   */
  public LinkProbe(GrpcChannels channels, int streams) {
    this.channels = channels;
    this.streams = streams;
  }

  /**
   * Measures for about 0.3 s.
   *
   * @throws LongshoreException with {@link Reason#TRANSFER_BROKEN} if the target does not answer
   */
  public LinkProfile probe(HostPort target) throws InterruptedException {
    List<ManagedChannel> connections = new ArrayList<>();
    try {
      for (int i = 0; i < streams; i++) {
        connections.add(
            channels.open(Destination.targetAgent(target), "probe-" + i, TransportTuning.BULK));
      }
      Duration roundTrip = roundTrip(connections);
      return new LinkProfile(roundTrip, bytesPerSecond(connections));
    } catch (StatusException e) {
      throw new LongshoreException(
          Reason.TRANSFER_BROKEN,
          "the way to the target at %s cannot be measured: %s".formatted(target, e.getStatus()),
          e);
    } finally {
      for (ManagedChannel connection : connections) {
        connection.shutdownNow();
      }
    }
  }

  /** The first call of each connection opens it. */
  private static Duration roundTrip(List<ManagedChannel> connections)
      throws StatusException, InterruptedException {
    for (ManagedChannel connection : connections) {
      var _ = call(connection);
    }
    List<Duration> times = new ArrayList<>();
    for (int i = 0; i < ROUND_TRIPS; i++) {
      times.add(call(connections.getFirst()));
    }
    times.sort(null);
    return times.get(ROUND_TRIPS / 2);
  }

  private static Duration call(ManagedChannel connection)
      throws StatusException, InterruptedException {
    long begin = System.nanoTime();
    var call = open(connection);
    boolean _ = call.write(ProbeLinkRequest.getDefaultInstance());
    call.halfClose();
    ProbeLinkResponse _ = answer(call);
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  /**
   * What was measured at the other end; but what lay in a buffer there comes at once, so not more
   * than if all that was sent had come in the time that is measured.
   */
  private long bytesPerSecond(List<ManagedChannel> connections)
      throws StatusException, InterruptedException {
    long begin = System.nanoTime();
    long sent = 0;
    long measured = 0;
    long longest = 1;
    try (ExecutorService senders = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Sent>> sending = new ArrayList<>();
      for (ManagedChannel connection : connections) {
        Callable<Sent> task = () -> send(connection);
        sending.add(senders.submit(task));
      }
      for (Future<Sent> each : sending) {
        Sent done = result(each);
        sent += done.bytes();
        measured += done.answer().getMeasuredBytes();
        longest = Math.max(longest, Durations.toNanos(done.answer().getMeasuredTime()));
      }
    }
    double whole = System.nanoTime() - begin;
    double share = (double) MEASURED.toNanos() / WARM_UP.plus(MEASURED).toNanos();
    return (long) Math.min(measured * 1e9 / longest, sent * 1e9 / (whole * share));
  }

  /** What one stream did. */
  private record Sent(long bytes, ProbeLinkResponse answer) {}

  private static Sent result(Future<Sent> sending) throws StatusException, InterruptedException {
    try {
      return sending.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof StatusException status) {
        throw status;
      }
      throw new IllegalStateException("a probe failed", e.getCause());
    }
  }

  private Sent send(ManagedChannel connection) throws StatusException, InterruptedException {
    var call = open(connection);
    long most = MOST_BYTES / streams;
    long begin = System.nanoTime();
    long end = begin + WARM_UP.plus(MEASURED).toNanos();
    boolean warm = false;
    boolean open = true;
    long sent = 0;
    while (open && sent + MESSAGE_BYTES <= most && System.nanoTime() < end) {
      warm = warm || sent > most / 4 || System.nanoTime() - begin > WARM_UP.toNanos();
      open =
          call.write(ProbeLinkRequest.newBuilder().setMeasured(warm).setPayload(payload).build());
      sent += MESSAGE_BYTES;
    }
    if (open) {
      call.halfClose();
    }
    return new Sent(sent, answer(call));
  }

  private static BlockingClientCall<ProbeLinkRequest, ProbeLinkResponse> open(
      ManagedChannel connection) {
    return ClientCalls.blockingClientStreamingCall(
        connection,
        TransferServiceGrpc.getProbeLinkMethod(),
        CallOptions.DEFAULT.withDeadlineAfter(PATIENCE.toMillis(), TimeUnit.MILLISECONDS));
  }

  private static ProbeLinkResponse answer(
      BlockingClientCall<ProbeLinkRequest, ProbeLinkResponse> call)
      throws StatusException, InterruptedException {
    @Nullable ProbeLinkResponse answer = call.read();
    if (answer == null) {
      throw io.grpc.Status.INTERNAL.withDescription("no answer").asException();
    }
    return answer;
  }

  private static ByteString randomBytes() {
    byte[] bytes = new byte[MESSAGE_BYTES];
    new Random(1).nextBytes(bytes);
    return UnsafeByteOperations.unsafeWrap(bytes);
  }
}
