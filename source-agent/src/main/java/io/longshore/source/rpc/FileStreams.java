package io.longshore.source.rpc;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.ClientCalls;
import io.longshore.agent.files.Selection;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.StatusMapper;
import io.longshore.source.files.FileLink;
import io.longshore.transfer.v1.StreamOpen;
import io.longshore.transfer.v1.SyncFilesRequest;
import io.longshore.transfer.v1.SyncFilesResponse;
import io.longshore.transfer.v1.SyncFilesStart;
import io.longshore.transfer.v1.TransferServiceGrpc;
import org.jspecify.annotations.Nullable;

/** Sessions of rsync over a connection of their own. Closed by whoever opened it. */
public final class FileStreams implements FileLink, AutoCloseable {
  private final ManagedChannel connection;
  private final StreamOpen open;

  FileStreams(ManagedChannel connection, StreamOpen open) {
    this.connection = connection;
    this.open = open;
  }

  @Override
  public Session open(int tree, Selection selection) {
    BlockingClientCall<SyncFilesRequest, SyncFilesResponse> call =
        ClientCalls.blockingBidiStreamingCall(
            connection, TransferServiceGrpc.getSyncFilesMethod(), CallOptions.DEFAULT);
    return new Stream(
        call,
        SyncFilesRequest.newBuilder()
            .setOpen(open)
            .setStart(SyncFilesStart.newBuilder().setTree(tree).setSelection(message(selection)))
            .build());
  }

  private static SyncFilesStart.Selection message(Selection selection) {
    return switch (selection) {
      case WHOLE -> SyncFilesStart.Selection.SELECTION_WHOLE;
      case CHOSEN -> SyncFilesStart.Selection.SELECTION_CHOSEN;
    };
  }

  /** Ends what is under way. */
  @Override
  public void close() {
    connection.shutdownNow();
  }

  private static final class Stream implements Session {
    private final BlockingClientCall<SyncFilesRequest, SyncFilesResponse> call;
    private final SyncFilesRequest first;
    private boolean begun;

    Stream(BlockingClientCall<SyncFilesRequest, SyncFilesResponse> call, SyncFilesRequest first) {
      this.call = call;
      this.first = first;
    }

    @Override
    public boolean send(byte[] data, int length) throws InterruptedException {
      SyncFilesRequest message =
          SyncFilesRequest.newBuilder().setData(ByteString.copyFrom(data, 0, length)).build();
      return begin() && write(message);
    }

    private boolean begin() throws InterruptedException {
      if (!begun) {
        begun = true;
        return write(first);
      }
      return true;
    }

    private boolean write(SyncFilesRequest message) throws InterruptedException {
      try {
        return call.write(message);
      } catch (StatusException e) {
        // Who receives is told why.
        return false;
      }
    }

    @Override
    public void finish() {
      call.halfClose();
    }

    @Override
    public byte @Nullable [] receive() throws InterruptedException {
      try {
        SyncFilesResponse response = call.read();
        return response == null ? null : response.getData().toByteArray();
      } catch (StatusException e) {
        throw failure(e);
      }
    }

    private static LongshoreException failure(StatusException e) {
      var status = e.getStatus().asRuntimeException(e.getTrailers());
      if (StatusMapper.hasReason(status)) {
        return StatusMapper.fromStatus(status);
      }
      return new LongshoreException(
          Reason.TRANSFER_BROKEN, "the stream of files broke: " + e.getStatus(), e);
    }

    @Override
    public void cancel() {
      call.cancel("the session is over", null);
    }
  }
}
