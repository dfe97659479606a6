package io.longshore.coordinator.migration.rpc;

import io.longshore.coordinator.agent.MemorySizes;
import io.longshore.coordinator.agent.WorkloadProfile;
import io.longshore.coordinator.agent.WorkloadSummary;
import io.longshore.coordinator.plan.DirtyCurve;
import io.longshore.coordinator.plan.DurationEstimate;
import io.longshore.coordinator.plan.Forecast;
import io.longshore.coordinator.plan.MigrationPlan;
import io.longshore.coordinator.plan.Prediction;
import io.longshore.v1.LinkProfile;
import io.longshore.v1.Obstacle;
import io.longshore.v1.WrittenInterval;

/** Plans as messages. */
final class PlanMessages {
  private PlanMessages() {}

  static io.longshore.v1.MigrationPlan plan(MigrationPlan plan) {
    io.longshore.v1.MigrationPlan.Builder message =
        io.longshore.v1.MigrationPlan.newBuilder()
            .setSpec(MigrationMessages.spec(plan.spec()))
            .setStrategyReason(plan.strategyReason());
    plan.facts().ifPresent(facts -> message.setWorkload(summary(facts.summary())));
    plan.obstacles()
        .forEach(
            o ->
                message.addObstacles(
                    Obstacle.newBuilder()
                        .setReason(o.reason())
                        .setMessage(o.message())
                        .setRemedy(o.remedy())));
    add(message, plan.forecast());
    return message.build();
  }

  private static void add(io.longshore.v1.MigrationPlan.Builder message, Forecast forecast) {
    DirtyCurve curve = forecast.curve().orElse(null);
    if (curve != null) {
      message.setProfile(profile(forecast.profile().orElseThrow(), curve));
    }
    forecast
        .link()
        .ifPresent(
            link ->
                message.setLink(
                    LinkProfile.newBuilder()
                        .setRoundTripTime(MigrationMessages.duration(link.roundTrip()))
                        .setBytesPerSecond(link.bytesPerSecond())));
    forecast.predictions().forEach(each -> message.addPredictions(prediction(each)));
    message.setPastMigrations(forecast.pastMigrations()).addAllNotes(forecast.notes());
  }

  private static io.longshore.v1.WorkloadProfile profile(
      WorkloadProfile profile, DirtyCurve curve) {
    MemorySizes sizes = profile.sizes();
    io.longshore.v1.WorkloadProfile.Builder message =
        io.longshore.v1.WorkloadProfile.newBuilder()
            .setSizes(
                io.longshore.v1.MemorySizes.newBuilder()
                    .setPageBytes(sizes.pages())
                    .setLockedBytes(sizes.locked())
                    .setFilePrivateBytes(sizes.filePrivate())
                    .setSharedBytes(sizes.shared())
                    .setUntouchedBytes(sizes.untouched()))
            .setDirtyRate((long) (curve.rate() * sizes.pages()))
            .setWorkingSetBytes((long) (curve.workingSet() * sizes.pages()))
            .setZeroShare(profile.zeroShare())
            .setCompressedShare(profile.compressedShare())
            .setSampledPages(profile.sampledPages())
            .setTracker(profile.tracker());
    profile
        .written()
        .forEach(
            each ->
                message.addWritten(
                    WrittenInterval.newBuilder()
                        .setLength(MigrationMessages.duration(each.length()))
                        .setChangedPages(each.changedPages())));
    return message.build();
  }

  private static io.longshore.v1.Prediction prediction(Prediction prediction) {
    return io.longshore.v1.Prediction.newBuilder()
        .setStrategy(MigrationMessages.strategy(prediction.strategy()))
        .setDowntime(estimate(prediction.expectation().downtime()))
        .setTotalTime(estimate(prediction.expectation().totalTime()))
        .setBytesOnWire(prediction.expectation().bytesOnWire())
        .setRounds(prediction.rounds())
        .setConverges(prediction.converges())
        .build();
  }

  static io.longshore.v1.DurationEstimate estimate(DurationEstimate estimate) {
    return io.longshore.v1.DurationEstimate.newBuilder()
        .setLow(MigrationMessages.duration(estimate.low()))
        .setExpected(MigrationMessages.duration(estimate.expected()))
        .setHigh(MigrationMessages.duration(estimate.high()))
        .build();
  }

  private static io.longshore.v1.WorkloadSummary summary(WorkloadSummary summary) {
    return io.longshore.v1.WorkloadSummary.newBuilder()
        .setCommand(summary.command())
        .setProcesses(summary.processes())
        .setThreads(summary.threads())
        .setPrivateBytes(summary.privateBytes())
        .setSharedBytes(summary.sharedBytes())
        .setTcpConnections(summary.tcpConnections())
        .build();
  }
}
