package io.longshore.coordinator.story;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.grpc.protobuf.StatusProto;
import java.util.ArrayList;
import java.util.List;

/** Reads what failed calls say. */
final class Statuses {
  private Statuses() {}

  /** The reason of every ErrorInfo. */
  static List<String> reasons(Throwable failure) {
    List<String> reasons = new ArrayList<>();
    var status = StatusProto.fromThrowable(failure);
    if (status == null) {
      throw new AssertionError("not a gRPC failure", failure);
    }
    for (Any detail : status.getDetailsList()) {
      try {
        if (detail.is(ErrorInfo.class)) {
          reasons.add(detail.unpack(ErrorInfo.class).getReason());
        }
      } catch (InvalidProtocolBufferException e) {
        throw new AssertionError(e);
      }
    }
    return reasons;
  }
}
