package io.longshore.source.pages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class BandwidthTest {
  private static final int MIB = 1 << 20;

  @Test
  void whatIsSentTakesItsTime() throws Exception {
    Bandwidth bandwidth = new Bandwidth(20 * MIB);
    long begin = System.nanoTime();
    for (int i = 0; i < 4; i++) {
      bandwidth.awaitPaid();
      bandwidth.pay(MIB);
    }
    bandwidth.awaitPaid();
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(Duration.ofMillis(199));
  }

  @Test
  void whatNobodyWaitedForIsPaidAfterwards() throws Exception {
    Bandwidth bandwidth = new Bandwidth(10 * MIB);
    long begin = System.nanoTime();
    bandwidth.pay(MIB);
    bandwidth.pay(MIB);
    bandwidth.awaitPaid();
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(Duration.ofMillis(199));
  }

  @Test
  void anotherLimitHoldsAtOnceForThoseWhoWait() {
    Bandwidth bandwidth = new Bandwidth(1000);
    bandwidth.pay(1000 * MIB);
    CompletableFuture<Void> waiting = CompletableFuture.runAsync(() -> awaitPaid(bandwidth));
    bandwidth.limit(100 * MIB);
    await().atMost(Duration.ofSeconds(5)).until(waiting::isDone);
    bandwidth.pay(1000L * MIB);
    CompletableFuture<Void> again = CompletableFuture.runAsync(() -> awaitPaid(bandwidth));
    bandwidth.limit(0);
    await().atMost(Duration.ofSeconds(5)).until(again::isDone);
  }

  private static void awaitPaid(Bandwidth bandwidth) {
    try {
      bandwidth.awaitPaid();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
