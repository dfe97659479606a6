package io.longshore.source.rpc;

import com.google.protobuf.ByteString;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.platform.rpc.Destination;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.TransportTuning;
import io.longshore.source.departure.DataPlane;
import io.longshore.source.departure.DataPlanes;
import io.longshore.source.departure.TransferTarget;
import io.longshore.transfer.v1.StreamOpen;
import java.time.Duration;

/** Opens data streams over gRPC. */
public final class TransferClients implements DataPlanes {
  private final GrpcChannels channels;
  private final int pageStreams;
  private final Duration silence;

  /**
   * @param pageStreams how many streams carry pages at once
   * @param silence how long nothing may be heard over a connection until it counts as cut
   */
  public TransferClients(GrpcChannels channels, int pageStreams, Duration silence) {
    this.channels = channels;
    this.pageStreams = pageStreams;
    this.silence = silence;
  }

  @Override
  public DataPlane open(MigrationRef ref, TransferTarget target) {
    return new TransferClient(
        channels, target.endpoint(), opening(ref, target), pageStreams, silence);
  }

  /** Streams for the files of a migration. Returns at once. */
  public FileStreams openForFiles(MigrationRef ref, TransferTarget target) {
    return new FileStreams(
        channels.open(
            Destination.targetAgent(target.endpoint()),
            "files",
            TransportTuning.BULK.withSilence(silence)),
        opening(ref, target));
  }

  private static StreamOpen opening(MigrationRef ref, TransferTarget target) {
    return StreamOpen.newBuilder()
        .setMigrationId(ref.id())
        .setEpoch(ref.epoch())
        .setSecret(ByteString.copyFrom(target.secret()))
        .build();
  }
}
