package io.longshore.coordinator.migration.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.longshore.coordinator.migration.Migration;
import io.longshore.coordinator.migration.MigrationStore;
import io.longshore.coordinator.migration.Migrations;
import io.longshore.coordinator.migration.Resolution;
import io.longshore.coordinator.plan.MigrationPlan;
import io.longshore.coordinator.plan.MigrationSpec;
import io.longshore.coordinator.rpc.Fields;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.v1.CancelMigrationRequest;
import io.longshore.v1.CancelMigrationResponse;
import io.longshore.v1.CreateMigrationRequest;
import io.longshore.v1.CreateMigrationResponse;
import io.longshore.v1.GetMigrationRequest;
import io.longshore.v1.GetMigrationResponse;
import io.longshore.v1.ListMigrationsRequest;
import io.longshore.v1.ListMigrationsResponse;
import io.longshore.v1.MigrationServiceGrpc;
import io.longshore.v1.PlanMigrationRequest;
import io.longshore.v1.PlanMigrationResponse;
import io.longshore.v1.ResolveMigrationRequest;
import io.longshore.v1.ResolveMigrationResponse;
import io.longshore.v1.UpdateMigrationRequest;
import io.longshore.v1.UpdateMigrationResponse;
import io.longshore.v1.WatchMigrationRequest;
import io.longshore.v1.WatchMigrationResponse;
import java.util.List;

/**
 * Plans, starts, shows and cancels migrations. Its callbacks may block: they run on virtual
 * threads.
 */
public final class MigrationGrpcService extends MigrationServiceGrpc.MigrationServiceImplBase {
  private static final int USUAL_PAGE = 50;
  private static final int LARGEST_PAGE = 500;
  private static final int LONGEST_REQUEST_ID = 128;
  private static final int LONGEST_ID = 64;

  private final Migrations migrations;

  public MigrationGrpcService(Migrations migrations) {
    this.migrations = migrations;
  }

  @Override
  public void planMigration(
      PlanMigrationRequest request, StreamObserver<PlanMigrationResponse> answer) {
    MigrationSpec spec = SpecFields.spec(request.hasSpec(), request.getSpec());
    MigrationPlan plan = interruptibly(() -> migrations.plan(spec));
    answer.onNext(PlanMigrationResponse.newBuilder().setPlan(PlanMessages.plan(plan)).build());
    answer.onCompleted();
  }

  @Override
  public void createMigration(
      CreateMigrationRequest request, StreamObserver<CreateMigrationResponse> answer) {
    String requestId = Fields.text("request_id", request.getRequestId(), LONGEST_REQUEST_ID);
    MigrationSpec spec = SpecFields.spec(request.hasSpec(), request.getSpec());
    Migration migration = interruptibly(() -> migrations.create(requestId, spec));
    answer.onNext(
        CreateMigrationResponse.newBuilder()
            .setMigration(MigrationMessages.migration(migration))
            .build());
    answer.onCompleted();
  }

  @Override
  public void getMigration(
      GetMigrationRequest request, StreamObserver<GetMigrationResponse> answer) {
    Migration migration = migrations.get(id(request.getMigrationId()));
    answer.onNext(
        GetMigrationResponse.newBuilder()
            .setMigration(MigrationMessages.migration(migration))
            .build());
    answer.onCompleted();
  }

  @Override
  public void listMigrations(
      ListMigrationsRequest request, StreamObserver<ListMigrationsResponse> answer) {
    int asked = Fields.between("page_size", request.getPageSize(), 0, LARGEST_PAGE);
    int size = asked == 0 ? USUAL_PAGE : asked;
    List<Migration> found =
        migrations.list(
            new MigrationStore.Filter(request.getOnlyActive(), request.getIncludeSelfTests()),
            PageToken.parse(request.getPageToken()),
            size + 1);
    ListMigrationsResponse.Builder response = ListMigrationsResponse.newBuilder();
    List<Migration> page = found.subList(0, Math.min(size, found.size()));
    page.forEach(migration -> response.addMigrations(MigrationMessages.migration(migration)));
    if (found.size() > size) {
      response.setNextPageToken(PageToken.after(page.getLast()));
    }
    answer.onNext(response.build());
    answer.onCompleted();
  }

  @Override
  public void watchMigration(
      WatchMigrationRequest request, StreamObserver<WatchMigrationResponse> answer) {
    String id = id(request.getMigrationId());
    migrations.get(id);
    Watcher.Watched watched =
        new Watcher.Watched() {
          @Override
          public Migration now() {
            return migrations.get(id);
          }

          @Override
          public Migrations.Watch watch(Runnable changed) {
            return migrations.watch(id, changed);
          }
        };
    new Watcher(
            watched,
            (ServerCallStreamObserver<WatchMigrationResponse>) answer,
            task -> Thread.ofVirtual().name("watch-" + id).start(task))
        .begin();
  }

  @Override
  public void updateMigration(
      UpdateMigrationRequest request, StreamObserver<UpdateMigrationResponse> answer) {
    String id = id(request.getMigrationId());
    if (!request.hasMaxBandwidth()) {
      throw Fields.invalid("max_bandwidth", "is absent: there is nothing to change");
    }
    Migration migration =
        migrations.limit(id, SpecFields.bandwidth("max_bandwidth", request.getMaxBandwidth()));
    answer.onNext(
        UpdateMigrationResponse.newBuilder()
            .setMigration(MigrationMessages.migration(migration))
            .build());
    answer.onCompleted();
  }

  @Override
  public void cancelMigration(
      CancelMigrationRequest request, StreamObserver<CancelMigrationResponse> answer) {
    Migration migration = migrations.cancel(id(request.getMigrationId()));
    answer.onNext(
        CancelMigrationResponse.newBuilder()
            .setMigration(MigrationMessages.migration(migration))
            .build());
    answer.onCompleted();
  }

  @Override
  public void resolveMigration(
      ResolveMigrationRequest request, StreamObserver<ResolveMigrationResponse> answer) {
    String id = id(request.getMigrationId());
    Resolution resolution = MigrationMessages.resolution(request.getResolution());
    Migrations.Resolvable resolved =
        request.getAccept()
            ? migrations.resolve(id, resolution, MigrationMessages.state(request.getState()))
            : migrations.resolvable(id, resolution);
    answer.onNext(
        ResolveMigrationResponse.newBuilder()
            .setMigration(MigrationMessages.migration(resolved.migration()))
            .setConsequence(resolved.consequence())
            .build());
    answer.onCompleted();
  }

  private static String id(String value) {
    return Fields.text("migration_id", value, LONGEST_ID);
  }

  private interface Blocking<T> {
    T run() throws InterruptedException;
  }

  private static <T> T interruptibly(Blocking<T> work) {
    try {
      return work.run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LongshoreException(
          Reason.AGENT_UNREACHABLE,
          "the coordinator is stopping: repeat the call when it is back",
          e);
    }
  }
}
