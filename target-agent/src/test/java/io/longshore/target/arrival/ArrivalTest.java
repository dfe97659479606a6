package io.longshore.target.arrival;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.criu.CriuVersion;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFolder;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.arrival.Arrival.Parts;
import io.longshore.target.images.ImageFolder;
import io.longshore.target.network.TestAddresses;
import io.longshore.target.pages.DemandFaults;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageRange;
import io.longshore.target.pages.PageStore;
import io.longshore.target.restore.Restoration;
import io.longshore.target.runtime.PlainProcesses;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What an agent still has of a migration that is over. It remembers thousands of them: of each no
 * more than how it ended, and nothing that is as large as the workload.
 */
@Timeout(60)
final class ArrivalTest {
  private static final MigrationRef REF = new MigrationRef("m-1", 1);
  private static final int PAGES = 1000;

  @TempDir Path work;

  private final Arrivals arrivals = new Arrivals((ref, facts, promised) -> receiving(ref));
  private WeakReference<PageStore> pages = new WeakReference<>(null);
  private WeakReference<TestAddresses> addresses = new WeakReference<>(null);
  private Process workload;

  @BeforeEach
  void startWorkload() throws Exception {
    workload = new ProcessBuilder("sleep", "300").start();
  }

  @AfterEach
  void end() {
    workload.destroyForcibly();
  }

  @Test
  void keepsNothingOfOneThatWasAborted() {
    byte[] secret = prepare().secret();
    Arrival open = arrivals.open(REF.id(), 1, secret);
    open.admitStream("pages 1", false);
    open.pages().announce(Map.of(1, List.of(new PageRange(1, PAGES))), 0);
    open.hold(new byte[1500]);
    arrivals.abort(REF, false);
    assertForgotten(pages);
    assertForgotten(addresses);
    assertThat(prepareFails()).isEqualTo(Reason.WRONG_PHASE);
    assertThat(arrivals.open(REF.id(), 1, secret)).isSameAs(open);
    assertOver(() -> open.admitStream("pages 1", true));
    assertOver(() -> open.images());
    assertOver(() -> open.pages());
    assertOver(() -> open.demands());
    assertOver(() -> open.hold(new byte[1500]));
    assertOver(() -> open.restore(Duration.ofSeconds(10)));
    arrivals.abort(REF, false);
    arrivals.abort(REF, true);
    assertThat(open.phase()).isEqualTo(Phase.ABORTED);
  }

  @Test
  void keepsOfACompleteOneWhatIsUsedUntilTheSourceIsGone() throws Exception {
    Arrival running = running();
    running.admitStream("images 1", false);
    running.pages().announce(Map.of(1, List.of(new PageRange(1, PAGES))), 0);
    assertThat(running.complete(false)).isEqualTo(DemandFaults.NONE);
    assertForgotten(pages);
    running.admitStream("images 1", true);
    running.hold(new byte[] {7});
    assertThat(held()).isEqualTo(1);
    assertThat(running.demands()).isNotNull();
    assertOver(() -> running.images());
    assertOver(() -> running.pages());
    assertThat(running.complete(false)).isEqualTo(DemandFaults.NONE);
    assertThat(running.complete(true)).isEqualTo(DemandFaults.NONE);
    assertThatThrownBy(() -> running.abort(false))
        .isInstanceOfSatisfying(
            LongshoreException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.ALREADY_RESUMED));
    assertThat(workload.isAlive()).isTrue();
    assertThat(running.phase()).isEqualTo(Phase.COMPLETE);
  }

  @Test
  void aCompleteOneCanStillBeAbandoned() throws Exception {
    Arrival running = running();
    running.complete(false);
    running.abort(true);
    assertThat(workload.waitFor()).isNotZero();
    assertThat(running.phase()).isEqualTo(Phase.ABORTED);
    assertForgotten(addresses);
    running.abort(true);
    running.abort(false);
  }

  private Arrival prepare() {
    return arrivals.prepare(
        REF, new WorkloadFacts("", List.of(), List.of(), List.of(), 0, 0, List.of()));
  }

  private Reason prepareFails() {
    try {
      prepare();
    } catch (LongshoreException e) {
      return e.reason();
    }
    throw new AssertionError("it was prepared");
  }

  private Arrival receiving(MigrationRef ref) {
    try {
      CriuFolder folder = CriuFolder.create(work.resolve(ref.id()));
      PageStore store = new PageStore(PAGES * 4096L);
      Demands demands = new Demands();
      Criu criu = new Criu(Path.of("/none"), new CriuVersion(4, 2, 1));
      return new Arrival(
          ref,
          parts(
              folder,
              ArrivalNotes.begin(folder.path(), ref, RuntimeRecord.ofProcess(0)),
              store,
              demands,
              new Restoration(criu, PlainProcesses.ANY, folder, store, demands)));
    } catch (IOException e) {
      throw new LongshoreException(Reason.INTERNAL, "cannot prepare", e);
    }
  }

  /** One of a process that runs and has every page. */
  private Arrival running() throws IOException {
    List<Member> processes = List.of(Member.of((int) workload.pid()));
    CriuFolder folder = CriuFolder.create(work.resolve(REF.id()));
    ArrivalNotes notes = ArrivalNotes.begin(folder.path(), REF, RuntimeRecord.ofProcess(0));
    notes.held(processes);
    notes.resumed();
    PageStore store = new PageStore(PAGES * 4096L);
    Demands demands = new Demands();
    Restoration restoration =
        Restoration.ofRunning(PlainProcesses.ANY, folder, store, demands, processes);
    restoration.noteFilled();
    return Arrival.takenUp(REF, parts(folder, notes, store, demands, restoration));
  }

  private Parts parts(
      CriuFolder folder,
      ArrivalNotes notes,
      PageStore store,
      Demands demands,
      Restoration restoration) {
    TestAddresses fresh = new TestAddresses();
    pages = new WeakReference<>(store);
    addresses = new WeakReference<>(fresh);
    return new Parts(
        folder,
        notes,
        new ImageFolder(folder.images(), 1 << 20),
        store,
        demands,
        restoration,
        fresh,
        1 << 20);
  }

  private int held() {
    TestAddresses now = addresses.get();
    return now == null ? -1 : now.held();
  }

  private static void assertForgotten(WeakReference<?> part) {
    await()
        .untilAsserted(
            () -> {
              System.gc();
              assertThat(part.refersTo(null)).isTrue();
            });
  }

  private static void assertOver(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            LongshoreException.class, e -> assertThat(e.reason()).isEqualTo(Reason.WRONG_PHASE));
  }
}
