package io.longshore.source.departure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.longshore.agent.journal.Journal;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.workload.ContainerPolicy;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFolder;
import io.longshore.linux.CgroupFence;
import io.longshore.linux.CgroupHierarchy;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.value.HostPort;
import io.longshore.source.images.ImageChannel;
import io.longshore.source.pages.PageChannel;
import io.longshore.source.pages.Rounds.PageSpan;
import io.longshore.source.runtime.PlainProcesses;
import io.longshore.source.tracking.DirtyTrackers;
import java.io.File;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a runtime has to say to a freeze. With the real CRIU, and a target that is not there. */
@Timeout(120)
final class FreezeOfARuntimeTest {
  private static final String CRIU = "LONGSHORE_CRIU_4_2";
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final String id = "freeze-test-" + ProcessHandle.current().pid();

  @TempDir Path folder;
  private final Target target = new Target();
  private Journal journal;
  private Process process;
  private WatchedLeaving leaving;
  private Departure departure;

  @BeforeEach
  void prepare() throws Exception {
    journal = Journal.open(folder.resolve("journal"));
    process =
        new ProcessBuilder("setsid", "sleep", "60")
            .redirectInput(new File("/dev/null"))
            .redirectOutput(new File("/dev/null"))
            .redirectError(new File("/dev/null"))
            .start();
    int pid = (int) process.pid();
    MigrationRef ref = new MigrationRef(id, 1);
    leaving =
        new WatchedLeaving(
            new PlainProcesses().find(Integer.toString(pid), ContainerPolicy.NONE), id);
    Path criu = Path.of(System.getProperty(CRIU, String.valueOf(System.getenv(CRIU))));
    departure =
        new Departure(
            DepartureJournal.begin(
                journal,
                DepartureRecord.prepared(
                    ref,
                    leaving.root(),
                    leaving.record(),
                    List.of(),
                    new TransferTarget(new HostPort("127.0.0.1", 1), new byte[] {1}))),
            new Departure.Parts(
                leaving,
                Criu.probe(criu, PATIENCE),
                CriuFolder.create(folder.resolve(id)),
                CgroupFence.create(id, List.of(pid)),
                new NoAddresses(),
                () -> target,
                DirtyTrackers::forThisKernel),
            target);
  }

  @AfterEach
  void end() throws Exception {
    departure.rollBack();
    journal.close();
    process.destroyForcibly().waitFor();
  }

  @Test
  void theTargetIsNotToldThatItHasAllIfTheRuntimeRefuses() throws Exception {
    leaving.failures().set(1);

    CompletionException failed =
        catchThrowableOfType(CompletionException.class, () -> departure.freeze().join());

    assertThat(failed).hasStackTraceContaining("the runtime fails");
    assertThat(leaving.calls()).containsExactly("fenced: alive, frozen");
    assertThat(target.complete).isFalse();
    departure.rollBack();
    assertThat(leaving.calls()).containsExactly("fenced: alive, frozen", "thawing: alive, frozen");
    assertThat(process.isAlive()).isTrue();
    assertThat(CgroupFence.attach(CgroupHierarchy.forFreezing(), id)).isEmpty();
  }

  @Test
  void itsOptionsReachCriu() {
    leaving.dumpOptions().add("--nonsense");

    CompletionException failed =
        catchThrowableOfType(CompletionException.class, () -> departure.freeze().join());

    assertThat(failed)
        .cause()
        .isInstanceOfSatisfying(
            LongshoreException.class,
            e -> {
              assertThat(e.reason()).isEqualTo(Reason.CRIU_DUMP_FAILED);
              assertThat(e.criuLog()).anyMatch(line -> line.contains("--nonsense"));
            });
    assertThat(leaving.calls()).isEmpty();
  }

  /** Takes images, and nothing else. */
  private static final class Target implements DataPlane, ImageChannel {
    volatile boolean complete;

    @Override
    public ImageChannel images() {
      return this;
    }

    @Override
    public void send(String name, long offset, byte[] data, int start, int length, boolean last) {}

    @Override
    public void sendKept(
        String name,
        long offset,
        byte[] data,
        int start,
        int length,
        List<PageSpan> pages,
        boolean last) {}

    @Override
    public void forget(List<PageSpan> pages) {}

    @Override
    public void complete(int count, long bytes, long roundPages) {
      complete = true;
    }

    @Override
    public void awaitComplete() {}

    @Override
    public void sendHeldPacket(byte[] packet) {}

    @Override
    public List<? extends PageChannel> pages() {
      return List.of();
    }

    @Override
    public PageChannel faults() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void onDemand(Demands demands) {}

    @Override
    public void onTargetRestarted(Runnable listener) {}

    @Override
    public void awaitOpen() {}

    @Override
    public void admit(long epoch) {}

    @Override
    public Duration brokenFor() {
      return Duration.ZERO;
    }

    @Override
    public long bytesOnWire() {
      return 0;
    }

    @Override
    public void finish() {}

    @Override
    public void cancel() {}
  }
}
