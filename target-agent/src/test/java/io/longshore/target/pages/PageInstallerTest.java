package io.longshore.target.pages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.target.pages.PageInstaller.Span;
import io.longshore.target.restore.Keeper;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Fills the memory of a real process through a real userfaultfd. */
@Timeout(60)
final class PageInstallerTest {
  private static final int VPID = 42;
  private static final int PAGES = 2048;
  private static final Duration SHORT = Duration.ofMillis(50);
  private static final String ZEROS = "0000000000000000 0000000000000000";

  @TempDir private static Path folder;
  private static int logs;
  private static Path program = Path.of("/none");

  private final BlockingQueue<Long> demanded = new LinkedBlockingQueue<>();
  private final Demands demands = new Demands();
  private final PageStore store = new PageStore(64 << 20);
  private Keeper keeper;
  private Tenant tenant;
  private PageInstaller installer;

  @BeforeAll
  static void build() throws Exception {
    program = Tenant.build(folder);
  }

  @BeforeEach
  void start() throws Exception {
    tenant = Tenant.start(program, PAGES);
    // Two ranges, so that numbers and addresses differ; the first page is in none of them.
    store.announce(Map.of(VPID, List.of(range(1, 1000), range(1010, PAGES - 1010))), 0);
    demands.connect((vpid, page, count, again) -> demanded.add(page - tenant.firstPage()));
    keeper = Keeper.start(folder);
    Path log = folder.resolve("log-" + logs++);
    MemoryLog.create(log);
    installer = PageInstaller.start(store, demands, keeper, MemoryLog.open(log));
    installer.attach(VPID, tenant.memory());
  }

  @AfterEach
  void stop() {
    tenant.close();
    installer.close();
    keeper.release();
    store.close();
  }

  @Test
  void whatCameBeforeAndAfterItIsOpenIsFilledInAndTheRestIsZero() throws Exception {
    send(1, 500);
    sendZero(501, 100);
    open();
    send(601, 400);
    assertThat(installer.filled()).isNotDone();
    send(1010, PAGES - 1010);
    awaitFilled();
    for (int page : List.of(1, 7, 500, 601, 1000, 1010, PAGES - 1)) {
      assertThat(tenant.ask("read " + page)).isEqualTo(content(page));
    }
    for (int page : List.of(0, 501, 600, 1001, 1009)) {
      assertThat(tenant.ask("read " + page)).isEqualTo(ZEROS);
    }
    assertThat(installer.demandFaults()).isEqualTo(DemandFaults.NONE);
  }

  @Test
  void pagesInAnyOrderOverSeveralStreamsWhileTheProcessReads() throws Exception {
    open();
    List<Integer> order = new ArrayList<>();
    for (int page = 1010; page + 8 <= PAGES; page += 8) {
      order.add(page);
    }
    long seed = System.nanoTime();
    System.out.println("seed: " + seed);
    Collections.shuffle(order, new Random(seed));
    send(1, 1000);
    send(1010 + order.size() * 8, PAGES - 1010 - order.size() * 8);
    List<Thread> streams = new ArrayList<>();
    for (int stream = 0; stream < 3; stream++) {
      int own = stream;
      streams.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = own; i < order.size(); i += 3) {
                      send(order.get(i), 8);
                    }
                  }));
    }
    for (int page = 1010; page < PAGES; page += 5) {
      assertThat(tenant.ask("read " + page)).isEqualTo(content(page));
    }
    for (Thread stream : streams) {
      stream.join();
    }
    awaitFilled();
  }

  @Test
  void aThreadThatWaitsHasItsPageDemandedAndGetsIt() throws Exception {
    open();
    tenant.order("read 700");
    assertThat(demanded.poll(10, TimeUnit.SECONDS)).isEqualTo(700);
    send(700, 1);
    assertThat(tenant.answer()).isEqualTo(content(700));
    tenant.order("read 1100");
    assertThat(demanded.poll(10, TimeUnit.SECONDS)).isEqualTo(1100);
    sendZero(1100, 1);
    assertThat(tenant.answer()).isEqualTo(ZEROS);
    assertThat(installer.demandFaults().count()).isEqualTo(2);
    assertThat(installer.demandFaults().median()).isPositive();
    assertThat(installer.demandFaults().percentile99())
        .isBetween(installer.demandFaults().median(), Duration.ofSeconds(20));
  }

  @Test
  void whatMustBeThereBeforeItRunsIsDemandedAndWaitedFor() throws Exception {
    open();
    send(700, 1);
    CompletableFuture<Boolean> there = fillNow(699, 703);
    assertThat(demanded.poll(10, TimeUnit.SECONDS)).isEqualTo(699);
    assertThat(demanded.poll(10, TimeUnit.SECONDS)).isEqualTo(701);
    assertThat(demanded.poll(10, TimeUnit.SECONDS)).isEqualTo(702);
    send(699, 1);
    sendZero(701, 1);
    assertThat(there).isNotDone();
    send(702, 1);
    assertThat(there.get(10, TimeUnit.SECONDS)).isTrue();
    // Not of those that were announced, or there is nothing to wait for.
    assertThat(fillNow(1001, 1009).get(10, TimeUnit.SECONDS)).isTrue();
    assertThat(fillNow(699, 703).get(10, TimeUnit.SECONDS)).isTrue();
    assertThat(installer.fillNow(List.of(new Span(VPID + 1, 0, 10)), SHORT)).isTrue();
    assertThat(tenant.ask("read 702")).isEqualTo(content(702));
    assertThat(installer.demandFaults()).isEqualTo(DemandFaults.NONE);
    assertThat(installer.fillNow(List.of(span(0, 9)), SHORT)).isFalse();
    CompletableFuture<Boolean> never = fillNow(0, 9);
    installer.close();
    assertThat(never.get(10, TimeUnit.SECONDS)).isFalse();
  }

  @Test
  void whatIsGivenUpIsNotWaitedFor() throws Exception {
    open();
    CompletableFuture<Boolean> never = fillNow(0, 9);
    assertThat(demanded.poll(10, TimeUnit.SECONDS)).isNotNull();
    installer.giveUp(new IllegalStateException("no way"));
    assertThat(never.get(10, TimeUnit.SECONDS)).isFalse();
    assertThat(installer.filled()).isCompletedExceptionally();
  }

  private Span span(int page, int end) {
    return new Span(VPID, tenant.firstPage() + page, tenant.firstPage() + end);
  }

  private CompletableFuture<Boolean> fillNow(int page, int end) {
    CompletableFuture<Boolean> there = new CompletableFuture<>();
    Thread.ofPlatform()
        .start(
            () -> {
              try {
                there.complete(installer.fillNow(List.of(span(page, end)), Duration.ofSeconds(30)));
              } catch (InterruptedException e) {
                there.completeExceptionally(e);
              }
            });
    return there;
  }

  @Test
  void aDemandThatWasLostIsMadeAgain() throws Exception {
    open();
    tenant.order("read 700");
    assertThat(demanded.poll(10, TimeUnit.SECONDS)).isEqualTo(700);
    assertThat(demanded.poll(10, TimeUnit.SECONDS)).isEqualTo(700);
    send(690, 20);
    assertThat(tenant.answer()).isEqualTo(content(700));
    assertThat(installer.demandFaults().count()).isEqualTo(1);
    // It counts from the first time that it was demanded.
    assertThat(installer.demandFaults().median()).isGreaterThan(Duration.ofMillis(900));
  }

  @Test
  void whatIsWaitedForIsDemandedAtOnceOverANewWay() throws Exception {
    open();
    tenant.order("read 700");
    assertThat(demanded.poll(10, TimeUnit.SECONDS)).isEqualTo(700);
    long begin = System.nanoTime();
    int ways = 8;
    for (int i = 0; i < ways; i++) {
      BlockingQueue<Long> overThis = new LinkedBlockingQueue<>();
      demands.connect((vpid, page, count, again) -> overThis.add(page - tenant.firstPage()));
      assertThat(overThis.poll(10, TimeUnit.SECONDS)).isEqualTo(700);
    }
    // Once a second it would be demanded again without a new way.
    assertThat(Duration.ofNanos(System.nanoTime() - begin))
        .isLessThan(Duration.ofSeconds(ways / 2));
    send(690, 20);
    assertThat(tenant.answer()).isEqualTo(content(700));
  }

  @Test
  void whoWaitsWhileItIsRestoredGetsWhatIsKeptAndWhatComes() throws Exception {
    send(1, 100);
    assertThat(tenant.ask("read 50")).isEqualTo(content(50));
    sendZero(101, 1);
    assertThat(tenant.ask("read 101")).isEqualTo(ZEROS);
    tenant.order("read 700");
    assertThat(demanded.poll(10, TimeUnit.SECONDS)).isEqualTo(700);
    send(690, 20);
    assertThat(tenant.answer()).isEqualTo(content(700));
    open();
    fillTheRest();
    awaitFilled();
    assertThat(tenant.ask("read 51")).isEqualTo(content(51));
  }

  @Test
  void pagesThatWereDroppedReadAsZeroAlsoIfTheyComeLater() throws Exception {
    open();
    send(1, 100);
    assertThat(tenant.ask("drop 50 600")).isEqualTo("dropped");
    fillTheRest();
    awaitFilled();
    assertThat(tenant.ask("read 49")).isEqualTo(content(49));
    assertThat(tenant.ask("read 50")).isEqualTo(ZEROS);
    assertThat(tenant.ask("read 649")).isEqualTo(ZEROS);
    assertThat(tenant.ask("read 650")).isEqualTo(content(650));
  }

  @Test
  void pagesThatWereDroppedAfterTheyCameReadAsZeroWhileOthersAreMissing() throws Exception {
    open();
    send(1, 100);
    assertThat(tenant.ask("drop 50 10")).isEqualTo("dropped");
    assertThat(tenant.ask("read 55")).isEqualTo(ZEROS);
    assertThat(demanded).isEmpty();
  }

  @Test
  void pagesGoWhereTheProcessMovedThem() throws Exception {
    open();
    assertThat(tenant.ask("move 300 200")).isEqualTo("moved");
    assertThat(tenant.ask("move 340 60")).isEqualTo("moved");
    assertThat(tenant.ask("move 600 100")).isEqualTo("moved");
    tenant.order("read 350");
    assertThat(demanded.poll(10, TimeUnit.SECONDS)).isEqualTo(350);
    fillTheRest();
    awaitFilled();
    assertThat(tenant.answer()).isEqualTo(content(350));
    for (int page : List.of(299, 300, 339, 340, 399, 400, 499, 500, 600, 699, 700)) {
      assertThat(tenant.ask("read " + page)).isEqualTo(content(page));
    }
  }

  @Test
  void pagesThatWereUnmappedAreNotWaitedFor() throws Exception {
    open();
    assertThat(tenant.ask("unmap 1010 " + (PAGES - 1010))).isEqualTo("unmapped");
    send(1, 1000);
    awaitFilled();
    send(1010, 20);
    assertThat(tenant.ask("read 1000")).isEqualTo(content(1000));
  }

  @Test
  void aRunOverSplitMappingsIsFilled() throws Exception {
    assertThat(tenant.ask("protect 100 3")).isEqualTo("protected");
    assertThat(tenant.ask("protect 200 1")).isEqualTo("protected");
    open();
    fillTheRest();
    awaitFilled();
    for (int page : List.of(99, 100, 102, 103, 199, 200, 201)) {
      assertThat(tenant.ask("read " + page)).isEqualTo(content(page));
    }
  }

  @Test
  void aChildGetsWhatItsParentLackedWhenItForked() throws Exception {
    open();
    send(1, 100);
    assertThat(tenant.ask("fork")).isEqualTo("forked");
    assertThat(tenant.ask("read 50")).isEqualTo(content(50));
    assertThat(tenant.ask("drop 200 10")).isEqualTo("dropped");
    assertThat(tenant.ask("move 300 10")).isEqualTo("moved");
    assertThat(tenant.ask("fork")).isEqualTo("forked");
    tenant.order("read 305");
    assertThat(demanded.poll(10, TimeUnit.SECONDS)).isEqualTo(305);
    send(300, 100);
    assertThat(tenant.answer()).isEqualTo(content(305));
    fillTheRest();
    awaitFilled();
    assertThat(tenant.ask("read 205")).isEqualTo(ZEROS);
    assertThat(tenant.ask("exit")).isEqualTo("back");
    assertThat(tenant.ask("read 301")).isEqualTo(content(301));
    assertThat(tenant.ask("read 205")).isEqualTo(ZEROS);
    assertThat(tenant.ask("exit")).isEqualTo("back");
    assertThat(tenant.ask("read 205")).isEqualTo(content(205));
    assertThat(tenant.ask("read 300")).isEqualTo(content(300));
  }

  @RepeatedTest(20)
  void aProcessThatForksMovesAndDropsWhilePagesComeKeepsItsContent() throws Exception {
    open();
    Thread stream =
        Thread.ofPlatform()
            .start(
                () -> {
                  for (int page = 1; page <= 1000; page++) {
                    send(page, 1);
                  }
                  send(1010, PAGES - 1010);
                });
    for (int round = 0; round < 20; round++) {
      assertThat(tenant.ask("move %d 20".formatted(100 + round * 40))).isEqualTo("moved");
      assertThat(tenant.ask("drop %d 2".formatted(120 + round * 40))).isEqualTo("dropped");
      assertThat(tenant.ask("fork")).isEqualTo("forked");
      assertThat(tenant.ask("read %d".formatted(101 + round * 40)))
          .isEqualTo(content(101 + round * 40));
      assertThat(tenant.ask("exit")).isEqualTo("back");
    }
    stream.join();
    awaitFilled();
    for (int page = 100; page < 900; page++) {
      boolean dropped = (page - 120) % 40 == 0 || (page - 121) % 40 == 0;
      assertThat(tenant.ask("read " + page)).isEqualTo(dropped ? ZEROS : content(page));
    }
  }

  @Test
  void nothingIsLackedByAProcessThatIsDead() throws Exception {
    open();
    send(1, 10);
    tenant.kill();
    send(11, 1);
    awaitFilled();
  }

  @Test
  void itIsNotFilledBeforeItIsOpen() throws Exception {
    fillTheRest();
    assertThatThrownBy(() -> installer.filled().get(300, TimeUnit.MILLISECONDS))
        .isInstanceOf(TimeoutException.class);
    open();
    awaitFilled();
    assertThat(tenant.ask("read 900")).isEqualTo(content(900));
    assertThat(store.heldBytes()).isLessThanOrEqualTo(18L << 20);
  }

  @Test
  void refusesAProcessThatWasNotAnnounced() throws Exception {
    try (Tenant other = Tenant.start(program, 8)) {
      assertThatThrownBy(() -> installer.attach(VPID + 1, other.memory()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("43");
    }
  }

  private void open() {
    installer.open();
  }

  private void fillTheRest() {
    send(1, 1000);
    send(1010, PAGES - 1010);
  }

  private void send(int page, int count) {
    long first = tenant.firstPage() + page;
    ByteBuffer content = ByteBuffer.allocateDirect(count * Patterns.PAGE);
    store.store(VPID, first, count, content.put(Patterns.of(VPID, page, count)).flip());
  }

  private void sendZero(int page, int count) {
    store.storeZero(VPID, tenant.firstPage() + page, count);
  }

  private void awaitFilled() throws InterruptedException, ExecutionException, TimeoutException {
    installer.filled().get(20, TimeUnit.SECONDS);
  }

  private PageRange range(int page, int count) {
    return new PageRange(tenant.firstPage() + page, count);
  }

  private static String content(int page) {
    ByteBuffer bytes = Patterns.of(VPID, page, 1).order(ByteOrder.nativeOrder());
    return "%016x %016x".formatted(bytes.getLong(0), bytes.getLong(Patterns.PAGE - 8));
  }
}
