package io.longshore.target.pages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.linux.Pidfd;
import io.longshore.target.restore.Keeper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
  private static final String ZEROS = "0000000000000000 0000000000000000";

  @TempDir private static Path folder;
  private static Path program = Path.of("/none");

  private final Demands demands = new Demands();
  private final PageStore store = new PageStore(64 << 20);
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
    installer = new PageInstaller(store, demands, keeper);
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
