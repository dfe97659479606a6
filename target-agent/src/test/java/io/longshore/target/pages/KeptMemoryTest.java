package io.longshore.target.pages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.linux.Pidfd;
import io.longshore.linux.Userfaultfd;
import io.longshore.target.restore.Keeper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What becomes of a real process when the agent's descriptors of its memory are closed, as they are
 * when it dies.
 */
@Timeout(60)
final class KeptMemoryTest {
  private static final int VPID = 42;
  private static final int PAGES = 256;
  private static final Duration LONG = Duration.ofSeconds(2);
  private static final String WRITTEN = "0123456789abcdef 0123456789abcdef";
  private static final String ZEROS = "0000000000000000 0000000000000000";

  @TempDir private static Path folder;
  private static Path program = Path.of("/none");

  private final Demands demands = new Demands();
  private PageStore store = new PageStore(64 << 20);
  private Path logFile;
  private MemoryLog log;
  private Keeper keeper;
  private Tenant tenant;
  private PageInstaller installer;
  private boolean closed;

  @BeforeAll
  static void build() throws Exception {
    program = Tenant.build(folder);
  }

  @BeforeEach
  void start() throws Exception {
    tenant = Tenant.start(program, PAGES);
    store.announce(Map.of(VPID, List.of(new PageRange(tenant.firstPage(), PAGES))), 0);
    keeper = Keeper.start(folder);
    logFile = Files.createTempDirectory(folder, "log").resolve("memory.log");
    MemoryLog.create(logFile);
    log = MemoryLog.open(logFile);
    installer = PageInstaller.start(store, demands, keeper, log);
    installer.attach(VPID, tenant.memory());
    keeper.confirm();
    installer.open();
  }

  @AfterEach
  void stop() {
    tenant.close();
    closeInstaller();
    keeper.release();
    store.close();
  }

  @Test
  void whoTouchesAMissingPageWaitsAndReadsNoZeros() throws Exception {
    send(0, 100);
    assertThat(tenant.ask("read 50")).isEqualTo(content(50));
    closeInstaller();
    assertThat(tenant.ask("read 51")).isEqualTo(content(51));
    tenant.order("read 200");
    assertThat(tenant.answersWithin(LONG)).isFalse();
    // And it was the keeper that kept it waiting.
    kill(Pidfd.SIGKILL);
    assertThat(tenant.answer()).isEqualTo(ZEROS);
  }

  @Test
  void whoWaitedBeforeGoesOnWaiting() throws Exception {
    tenant.order("read 200");
    assertThat(tenant.answersWithin(Duration.ofMillis(200))).isFalse();
    closeInstaller();
    assertThat(tenant.answersWithin(LONG)).isFalse();
  }

  @Test
  void aChildThatWasForkedBeforeWaitsToo() throws Exception {
    send(0, 100);
    assertThat(tenant.ask("fork")).isEqualTo("forked");
    assertThat(tenant.ask("fork")).isEqualTo("forked");
    keeper.confirm();
    closeInstaller();
    assertThat(tenant.ask("read 50")).isEqualTo(content(50));
    tenant.order("read 200");
    assertThat(tenant.answersWithin(LONG)).isFalse();
  }

  @Test
  void whoForksWhenNobodyReadsOfItWaits() throws Exception {
    closeInstaller();
    tenant.order("fork");
    assertThat(tenant.answersWithin(LONG)).isFalse();
  }

  @Test
  void whenAllIsFilledTheKeeperEndsAndForksAreFree() throws Exception {
    assertThat(tenant.ask("fork")).isEqualTo("forked");
    send(0, PAGES);
    installer.filled().get(20, TimeUnit.SECONDS);
    assertThat(keeper.member().isAlive()).isFalse();
    for (int i = 0; i < 20; i++) {
      assertThat(tenant.ask("fork")).isEqualTo("forked");
    }
    assertThat(tenant.ask("read 200")).isEqualTo(content(200));
  }

  @Test
  void theKeeperIsEndedByNothingButItsOrderAndSigkill() throws Exception {
    for (int signal : List.of(1, 2, Pidfd.SIGTERM)) {
      kill(signal);
    }
    keeper.confirm();
    assertThat(keeper.member().isAlive()).isTrue();
    kill(Pidfd.SIGKILL);
    assertThatThrownBy(
            () -> {
              for (; ; ) {
                keeper.confirm();
              }
            })
        .isInstanceOf(IOException.class);
    while (keeper.isHolding()) {
      Thread.sleep(1);
    }
  }

  @Test
  void whatTheKeeperCouldNotTakeIsNoticed() throws Exception {
    kill(Pidfd.SIGKILL);
    while (keeper.isHolding()) {
      Thread.sleep(1);
    }
    try (Tenant other = Tenant.start(program, 8)) {
      assertThatThrownBy(() -> installer.attach(VPID, other.memory()))
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void theNextAgentGoesOn() throws Exception {
    send(0, 100);
    sendZero(100, 10);
    tenant.order("read 200");
    assertThat(tenant.answersWithin(Duration.ofMillis(100))).isFalse();
    theNextAgentTakesUp();
    // It has the pages that the source sends anew, whether they were there before or not.
    assertThat(tenant.answersWithin(Duration.ofMillis(100))).isFalse();
    send(200, 1);
    assertThat(tenant.answer()).isEqualTo(content(200));
    assertThat(tenant.ask("write 50")).isEqualTo("written");
    sendAll();
    awaitFilled();
    assertThat(tenant.ask("read 49")).isEqualTo(content(49));
    assertThat(tenant.ask("read 50")).isEqualTo(WRITTEN);
    assertThat(tenant.ask("read 105")).isEqualTo(ZEROS);
    assertThat(tenant.ask("read 255")).isEqualTo(content(255));
    assertThat(tenant.ask("fork")).isEqualTo("forked");
  }

  @Test
  void theNextAgentKnowsWhatWasMovedDroppedAndUnmapped() throws Exception {
    send(0, 10);
    assertThat(tenant.ask("drop 5 20")).isEqualTo("dropped");
    assertThat(tenant.ask("move 40 20")).isEqualTo("moved");
    assertThat(tenant.ask("unmap 70 10")).isEqualTo("unmapped");
    assertThat(tenant.ask("move 50 5")).isEqualTo("moved");
    theNextAgentTakesUp();
    assertThat(tenant.ask("move 100 20")).isEqualTo("moved");
    assertThat(tenant.ask("drop 130 5")).isEqualTo("dropped");
    theNextAgentTakesUp();
    sendAll();
    awaitFilled();
    for (int page : List.of(0, 4, 25, 39, 40, 49, 50, 54, 55, 59, 69, 80, 110, 119, 129, 135)) {
      assertThat(tenant.ask("read " + page)).as("page %d", page).isEqualTo(content(page));
    }
    for (int page : List.of(5, 9, 10, 24, 130, 134)) {
      assertThat(tenant.ask("read " + page)).as("page %d", page).isEqualTo(ZEROS);
    }
  }

  @Test
  void theNextAgentFillsTheChildrenToo() throws Exception {
    send(0, 10);
    assertThat(tenant.ask("move 40 20")).isEqualTo("moved");
    assertThat(tenant.ask("fork")).isEqualTo("forked");
    assertThat(tenant.ask("drop 40 5")).isEqualTo("dropped");
    assertThat(tenant.ask("fork")).isEqualTo("forked");
    keeper.confirm();
    theNextAgentTakesUp();
    assertThat(tenant.ask("fork")).isEqualTo("forked");
    keeper.confirm();
    theNextAgentTakesUp();
    sendAll();
    awaitFilled();
    for (int generation = 3; generation >= 0; generation--) {
      assertThat(tenant.ask("read 5")).isEqualTo(content(5));
      assertThat(tenant.ask("read 42")).isEqualTo(generation > 0 ? ZEROS : content(42));
      assertThat(tenant.ask("read 45")).isEqualTo(content(45));
      assertThat(tenant.ask("read 250")).isEqualTo(content(250));
      if (generation > 0) {
        assertThat(tenant.ask("exit")).isEqualTo("back");
      }
    }
  }

  @Test
  void theNextAgentRefusesIfSomethingIsNotKnown() throws Exception {
    assertThat(tenant.ask("fork")).isEqualTo("forked");
    // As if the agent had died between the two.
    log.held(0);
    closeInstaller();
    MemoryLog found = MemoryLog.open(logFile);
    assertThatThrownBy(() -> Keeper.heldBy(List.of(keeper.member()), found.memories()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("all 3");
    found.close();
  }

  @Test
  void moreThanIsWrittenDownStopsNobodyAndIsNotTakenUp() throws Exception {
    assertThat(tenant.ask("again 40000")).isEqualTo("dropped again");
    closeInstaller();
    assertThatThrownBy(() -> MemoryLog.open(logFile)).isInstanceOf(IOException.class);
  }

  /** By what is there of the agent before: the keeper, the log, and which pages were announced. */
  private void theNextAgentTakesUp() throws Exception {
    Keeper before = keeper;
    closeInstaller();
    store.close();
    store = new PageStore(64 << 20);
    store.announce(Map.of(VPID, List.of(new PageRange(tenant.firstPage(), PAGES))), 0);
    log = MemoryLog.open(logFile);
    List<Userfaultfd> held = Keeper.heldBy(List.of(before.member()), log.memories());
    keeper = Keeper.start(folder);
    for (Userfaultfd memory : held) {
      keeper.hold(memory);
    }
    keeper.confirm();
    installer = PageInstaller.takeUp(store, demands, keeper, log, held);
    closed = false;
    before.release();
  }

  private void sendAll() {
    send(0, 100);
    sendZero(100, 10);
    send(110, PAGES - 110);
  }

  private void sendZero(int page, int count) {
    store.storeZero(VPID, tenant.firstPage() + page, count);
  }

  private void awaitFilled() throws Exception {
    installer.filled().get(20, TimeUnit.SECONDS);
  }

  private void closeInstaller() {
    if (!closed) {
      closed = true;
      installer.close();
    }
  }

  private void kill(int signal) throws IOException {
    try (Pidfd process = Pidfd.open(keeper.member().pid())) {
      process.signal(signal);
    }
  }

  private void send(int page, int count) {
    ByteBuffer content = ByteBuffer.allocateDirect(count * Patterns.PAGE);
    store.store(
        VPID, tenant.firstPage() + page, count, content.put(Patterns.of(VPID, page, count)).flip());
  }

  private static String content(int page) {
    ByteBuffer bytes = Patterns.of(VPID, page, 1).order(ByteOrder.nativeOrder());
    return "%016x %016x".formatted(bytes.getLong(0), bytes.getLong(Patterns.PAGE - 8));
  }
}
