package io.longshore.target.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.longshore.agent.files.Selection;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.arrival.Arrivals;
import io.longshore.target.files.FileArrivals;
import io.longshore.target.files.FileSession;
import io.longshore.transfer.v1.StreamOpen;
import io.longshore.transfer.v1.SyncFilesRequest;
import io.longshore.transfer.v1.SyncFilesResponse;
import io.longshore.transfer.v1.SyncFilesStart;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * One session of rsync: what comes is for the program, what the program says is sent. Callbacks
 * only hand over; a thread for each direction waits for the program, or until the source reads.
 * What comes is asked for as the program takes it, so no more than {@link #PIECES} pieces are here.
 */
final class FileStream implements StreamObserver<SyncFilesRequest> {
  private static final int PIECES = 8;
  private static final int DATA_BYTES = 256 << 10;
  private static final int READ_BYTES = 64 << 10;

  /** No piece is empty. */
  private static final ByteString END = ByteString.EMPTY;

  private final Arrivals arrivals;
  private final FileArrivals files;
  private final ServerCallStreamObserver<SyncFilesResponse> responses;
  // And the end.
  private final BlockingQueue<ByteString> pieces = new ArrayBlockingQueue<>(PIECES + 1);
  private final Object lock = new Object();

  @GuardedBy("lock")
  private @Nullable FileSession session;

  @GuardedBy("lock")
  private boolean over;

  /** In the call that begins it, before anything else is done with {@code responses}. */
  FileStream(
      Arrivals arrivals,
      FileArrivals files,
      ServerCallStreamObserver<SyncFilesResponse> responses) {
    this.arrivals = arrivals;
    this.files = files;
    this.responses = responses;
    responses.disableAutoRequest();
    responses.request(PIECES);
    responses.setOnReadyHandler(this::wake);
    responses.setOnCancelHandler(this::leave);
    responses.setOnCloseHandler(this::leave);
  }

  @Override
  public void onNext(SyncFilesRequest request) {
    FileSession opened;
    synchronized (lock) {
      opened = session;
    }
    if (opened == null) {
      begin(request);
      return;
    }
    ByteString data = request.getData();
    if (request.hasOpen() || request.hasStart() || data.isEmpty()) {
      throw refused("only data follows the first message");
    }
    PageBatches.checkLength("a piece of a session of rsync", data.size(), DATA_BYTES);
    pieces.add(data);
  }

  private void begin(SyncFilesRequest request) {
    if (!request.hasOpen() || !request.hasStart() || !request.getData().isEmpty()) {
      throw refused("the first message opens the stream and says what it is about");
    }
    StreamOpen open = request.getOpen();
    var _ = arrivals.open(open.getMigrationId(), open.getEpoch(), open.getSecret().toByteArray());
    SyncFilesStart start = request.getStart();
    FileSession opened =
        files.open(open.getMigrationId(), start.getTree(), selection(start.getSelection()));
    synchronized (lock) {
      session = opened;
    }
    Thread.ofPlatform().daemon().name("files-in").start(() -> carryIn(opened));
    Thread.ofPlatform().daemon().name("files-out").start(() -> carryOut(opened));
    responses.request(1);
  }

  private static Selection selection(SyncFilesStart.Selection asked) {
    return switch (asked) {
      case SELECTION_WHOLE -> Selection.WHOLE;
      case SELECTION_CHOSEN -> Selection.CHOSEN;
      case SELECTION_UNSPECIFIED, UNRECOGNIZED -> throw refused("no selection of files");
    };
  }

  private static LongshoreException refused(String why) {
    return new LongshoreException(Reason.MALFORMED_STREAM, "a stream of files: " + why);
  }

  private void carryIn(FileSession opened) {
    try (OutputStream program = opened.toProgram()) {
      for (ByteString piece = pieces.take(); !piece.isEmpty(); piece = pieces.take()) {
        piece.writeTo(program);
        program.flush();
        responses.request(1);
      }
    } catch (IOException e) {
      // It has ended, and its end says why.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void carryOut(FileSession opened) {
    byte[] buffer = new byte[READ_BYTES];
    try {
      InputStream program = opened.fromProgram();
      for (int read = program.read(buffer); read >= 0; read = program.read(buffer)) {
        if (!awaitReady()) {
          return;
        }
        responses.onNext(
            SyncFilesResponse.newBuilder().setData(ByteString.copyFrom(buffer, 0, read)).build());
      }
      opened.awaitEnd();
      end(null);
    } catch (IOException | InterruptedException e) {
      end(new LongshoreException(Reason.FILES_FAILED, "rsync on the target was ended", e));
    } catch (LongshoreException e) {
      end(e);
    }
  }

  private void end(@Nullable LongshoreException failure) {
    boolean tell;
    synchronized (lock) {
      tell = !over;
    }
    if (tell && failure == null) {
      responses.onCompleted();
    } else if (tell) {
      responses.onError(failure);
    }
    leave();
  }

  /** Whether more can be sent; waits until the source has read what was. */
  private boolean awaitReady() throws InterruptedException {
    synchronized (lock) {
      while (!over && !responses.isReady()) {
        lock.wait();
      }
      return !over;
    }
  }

  private void wake() {
    synchronized (lock) {
      lock.notifyAll();
    }
  }

  /** It is over, in whichever way. Idempotent. */
  private void leave() {
    FileSession opened;
    synchronized (lock) {
      over = true;
      lock.notifyAll();
      opened = session;
    }
    // Whoever waits for a piece gets no more.
    boolean _ = pieces.offer(END);
    if (opened != null) {
      opened.close();
    }
  }

  @Override
  public void onError(Throwable failure) {
    leave();
  }

  @Override
  public void onCompleted() {
    synchronized (lock) {
      if (session == null) {
        throw refused("it ended before it was opened");
      }
    }
    pieces.add(END);
  }
}
