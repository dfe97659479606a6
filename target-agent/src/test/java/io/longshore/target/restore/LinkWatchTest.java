package io.longshore.target.restore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageRange;
import io.longshore.target.pages.PageStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When a restore is given up because the link to the source is cut. */
@Timeout(60)
final class LinkWatchTest {
  private static final Duration PATIENCE = Duration.ofMillis(400);
  private static final Duration MUCH_LONGER = Duration.ofMillis(1200);

  private final Demands.Sender way = (vpid, firstPage, count, again) -> {};
  private final Demands demands = new Demands();
  private final PageStore pages = new PageStore(1 << 20);
  private final List<LongshoreException> told = new CopyOnWriteArrayList<>();
  private final LinkWatch watch = new LinkWatch(pages, demands, PATIENCE, told::add);

  @BeforeEach
  void announceAPage() {
    pages.announce(Map.of(77, List.of(new PageRange(1, 1))), 0);
    demands.connect(way);
  }

  @AfterEach
  void end() throws Exception {
    watch.end();
    pages.close();
  }

  @Test
  void tellsOnceWhenTheLinkIsCutForLonger() throws Exception {
    long begin = System.nanoTime();
    demands.disconnect(way);
    watch.begin();
    await().until(() -> !told.isEmpty());
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(PATIENCE);
    Thread.sleep(MUCH_LONGER);
    assertThat(told).hasSize(1);
    assertThat(told.getFirst().reason()).isEqualTo(Reason.LINK_CUT);
    assertThat(told.getFirst()).hasMessageContaining("1 pages are there only");
  }

  @Test
  void theTimeBeforeItBeganCounts() throws Exception {
    demands.disconnect(way);
    Thread.sleep(PATIENCE);
    assertThat(demands.cutFor()).isGreaterThanOrEqualTo(PATIENCE);
    watch.begin();
    await().atMost(Duration.ofSeconds(10)).until(() -> !told.isEmpty());
  }

  @Test
  void aLinkThatComesBackInTimeIsNone() throws Exception {
    watch.begin();
    long end = System.nanoTime() + MUCH_LONGER.toNanos();
    while (System.nanoTime() < end) {
      demands.disconnect(way);
      Thread.sleep(PATIENCE.dividedBy(4));
      demands.connect(way);
      assertThat(demands.cutFor()).isZero();
    }
    Thread.sleep(MUCH_LONGER);
    assertThat(told).isEmpty();
  }

  @Test
  void whoHasEveryPageNeedsNoLink() throws Exception {
    pages.storeZero(77, 1, 1);
    demands.disconnect(way);
    watch.begin();
    Thread.sleep(MUCH_LONGER);
    assertThat(told).isEmpty();
  }

  @Test
  void nobodyIsToldAfterItsEnd() throws Exception {
    watch.begin();
    demands.disconnect(way);
    watch.end();
    Thread.sleep(MUCH_LONGER);
    assertThat(told).isEmpty();
  }
}
