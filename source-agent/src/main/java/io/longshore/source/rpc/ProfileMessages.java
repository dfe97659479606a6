package io.longshore.source.rpc;

import com.google.protobuf.util.Durations;
import io.longshore.agent.v1.ProbeLinkResponse;
import io.longshore.agent.v1.ProfileWorkloadRequest;
import io.longshore.agent.v1.ProfileWorkloadResponse;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.source.profile.LinkProfile;
import io.longshore.source.profile.WorkloadProfile;
import io.longshore.v1.MemorySizes;
import io.longshore.v1.WrittenInterval;
import java.time.Duration;

/** What was seen of a workload as messages. */
final class ProfileMessages {
  private static final Duration USUAL = Duration.ofSeconds(1);
  private static final Duration LONGEST = Duration.ofSeconds(10);

  private ProfileMessages() {}

  static Duration sampleTime(ProfileWorkloadRequest request) {
    if (!request.hasSampleTime()) {
      return USUAL;
    }
    Duration asked = Duration.ofNanos(Durations.toNanos(request.getSampleTime()));
    if (asked.isNegative() || asked.compareTo(LONGEST) > 0) {
      throw new LongshoreException(
          Reason.INVALID_ARGUMENT,
          "sample_time: it is %s; it must be from 0 to %s".formatted(asked, LONGEST));
    }
    return asked;
  }

  static ProbeLinkResponse link(LinkProfile link) {
    return ProbeLinkResponse.newBuilder()
        .setLink(
            io.longshore.v1.LinkProfile.newBuilder()
                .setRoundTripTime(Durations.fromNanos(link.roundTrip().toNanos()))
                .setBytesPerSecond(link.bytesPerSecond()))
        .build();
  }

  static ProfileWorkloadResponse profile(WorkloadProfile profile, String tracker) {
    ProfileWorkloadResponse.Builder message =
        ProfileWorkloadResponse.newBuilder()
            .setSizes(
                MemorySizes.newBuilder()
                    .setPageBytes(profile.sizes().pages())
                    .setLockedBytes(profile.sizes().locked())
                    .setFilePrivateBytes(profile.sizes().filePrivate())
                    .setSharedBytes(profile.sizes().shared())
                    .setUntouchedBytes(profile.sizes().untouched()))
            .setSampledPages(profile.sampledPages())
            .setZeroPages(profile.zeroPages())
            .setCompressedShare(profile.compressedShare())
            .setTracker(tracker);
    for (WorkloadProfile.Interval interval : profile.written()) {
      message.addWritten(
          WrittenInterval.newBuilder()
              .setLength(Durations.fromNanos(interval.length().toNanos()))
              .setChangedPages(interval.changedPages()));
    }
    return message.build();
  }
}
