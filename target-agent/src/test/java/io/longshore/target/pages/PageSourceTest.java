package io.longshore.target.pages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.longshore.criu.pageserver.HeaderLayout;
import io.longshore.criu.pageserver.PageServer;
import io.longshore.criu.pageserver.PageServerClient;
import io.longshore.criu.pageserver.PageServerConnection;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Against a daemon of the test that speaks CRIU's protocol over a real socket. */
@Timeout(120)
final class PageSourceTest {
  private static final int VPID = 300_000;
  private static final long BASE = 0x7f00_0000_0L;

  private record Demand(int vpid, long firstPage, int count, boolean again) {}

  private final PageStore store = new PageStore(256 << 20);
  private final List<Demand> demanded = new CopyOnWriteArrayList<>();
  private final Demands demands = new Demands();
  private final Demands.Sender way =
      (vpid, firstPage, count, again) -> demanded.add(new Demand(vpid, firstPage, count, again));
  private final PageSource source = new PageSource(store, demands);
  private final CompletableFuture<Void> served = new CompletableFuture<>();
  private Thread serving = Thread.ofVirtual().unstarted(() -> {});

  @AfterEach
  void close() throws Exception {
    serving.interrupt();
    serving.join();
    store.close();
  }

  @ParameterizedTest
  @EnumSource(HeaderLayout.class)
  void answersWhatIsThereAtOnceAndEndsWhenTheDaemonHasAll(HeaderLayout layout) throws Exception {
    announce(2000);
    put(0, 2000);
    PageServerClient daemon = connect(layout);
    daemon.request(VPID, address(10), 100);
    daemon.request(VPID, address(500), 1);
    assertThat(read(daemon, 100)).containsExactly(content(10, 100));
    assertThat(read(daemon, 1)).containsExactly(content(500, 1));
    assertThat(served).isNotDone();
    assertThat(daemon.close()).isEqualTo(Optional.of(0));
    served.join();
    assertThat(source.demandFaults()).isZero();
    assertThat(demanded).isEmpty();
  }

  @Test
  void answersAPartWhenTheRestIsMissing() throws Exception {
    announce(100);
    put(0, 7);
    put(8, 92);
    PageServerClient daemon = connect(HeaderLayout.BYTES_32);
    daemon.request(VPID, address(0), 100);
    assertThat(read(daemon, 100)).containsExactly(content(0, 7));
    assertThat(demanded).isEmpty();
  }

  @Test
  void answersNoMoreThanFourMebibytesAtOnce() throws Exception {
    announce(3000);
    put(0, 3000);
    PageServerClient daemon = connect(HeaderLayout.BYTES_32);
    daemon.request(VPID, address(0), 3000);
    assertThat(read(daemon, 3000)).containsExactly(content(0, 1024));
  }

  @Test
  void freesWhatWasInstalled() throws Exception {
    announce(20_000);
    put(0, 20_000);
    long full = store.heldBytes();
    PageServerClient daemon = connect(HeaderLayout.BYTES_32);
    for (int page = 0; page < 20_000; ) {
      daemon.request(VPID, address(page), 20_000 - page);
      page += read(daemon, 20_000 - page).length / 4096;
    }
    await().until(() -> store.heldBytes() <= full / 3);
  }

  @Test
  void demandsWhatIsMissingUntilItComesAndCountsItOnce() throws Exception {
    announce(100);
    PageServerClient daemon = connect(HeaderLayout.BYTES_24);
    daemon.request(VPID, address(50), 1);
    await().atMost(Duration.ofSeconds(5)).until(() -> demanded.size() >= 3);
    assertThat(demanded).containsOnly(new Demand(VPID, BASE + 50, 1, false));
    put(50, 1);
    assertThat(read(daemon, 1)).containsExactly(content(50, 1));
    assertThat(source.demandFaults()).isEqualTo(1);
  }

  @Test
  void repeatsADemandThatHadNoWay() throws Exception {
    announce(100);
    PageServerClient daemon = connect(HeaderLayout.BYTES_32);
    demands.disconnect(way);
    daemon.request(VPID, address(50), 1);
    await().until(() -> source.demandFaults() == 1);
    assertThat(demanded).isEmpty();
    demands.connect(way);
    await().atMost(Duration.ofSeconds(5)).until(() -> !demanded.isEmpty());
  }

  @Test
  void demandsASmallPieceOfALargeRequestAndCountsNoFault() throws Exception {
    announce(5000);
    PageServerClient daemon = connect(HeaderLayout.BYTES_32);
    daemon.request(VPID, address(0), 4000);
    await().until(() -> !demanded.isEmpty());
    assertThat(demanded).containsOnly(new Demand(VPID, BASE, 16, false));
    put(0, 16);
    assertThat(read(daemon, 4000)).containsExactly(content(0, 16));
    assertThat(source.demandFaults()).isZero();
  }

  @Test
  void keepsTheOrderOfRequestsWhenTheFirstMustWait() throws Exception {
    announce(100);
    put(60, 10);
    PageServerClient daemon = connect(HeaderLayout.BYTES_32);
    daemon.request(VPID, address(50), 1);
    daemon.request(VPID, address(60), 10);
    await().until(() -> !demanded.isEmpty());
    put(50, 1);
    assertThat(read(daemon, 1)).containsExactly(content(50, 1));
    assertThat(read(daemon, 10)).containsExactly(content(60, 10));
  }

  @Test
  void asksForPagesAgainThatWereInstalledAndAreNeededOnceMore() throws Exception {
    announce(100);
    put(0, 10);
    PageServerClient daemon = connect(HeaderLayout.BYTES_32);
    daemon.request(VPID, address(0), 10);
    assertThat(read(daemon, 10)).hasSize(10 * 4096);
    daemon.request(VPID, address(3), 1);
    await().until(() -> !demanded.isEmpty());
    assertThat(demanded).containsOnly(new Demand(VPID, BASE + 3, 1, true));
    assertThat(source.demandFaults()).isZero();
    put(3, 1);
    assertThat(read(daemon, 1)).containsExactly(content(3, 1));
  }

  @Test
  void staysWhenNothingIsAskedForAndNothingComes() throws Exception {
    announce(100);
    PageServerClient daemon = connect(HeaderLayout.BYTES_32);
    daemon.request(VPID, address(50), 1);
    await()
        .during(Duration.ofMillis(2500))
        .atMost(Duration.ofSeconds(5))
        .until(() -> !served.isDone());
    put(50, 1);
    assertThat(read(daemon, 1)).containsExactly(content(50, 1));
    assertThat(daemon.close()).isEqualTo(Optional.of(0));
  }

  @Test
  void aDaemonThatVanishesIsAnError() throws Exception {
    announce(100);
    connect(HeaderLayout.BYTES_32).abort();
    await().until(served::isCompletedExceptionally);
  }

  @Test
  void aDemandGoesTheNewestWay() {
    List<Demand> newer = new ArrayList<>();
    Demands.Sender newest =
        (vpid, firstPage, count, again) -> newer.add(new Demand(vpid, firstPage, count, again));
    demands.connect(way);
    demands.connect(newest);
    demands.disconnect(way);
    demands.demand(1, 2, 3, true);
    assertThat(demanded).isEmpty();
    assertThat(newer).containsExactly(new Demand(1, 2, 3, true));
    demands.disconnect(newest);
    demands.demand(1, 2, 3, true);
    assertThat(newer).hasSize(1);
  }

  /**
   * Pages come in random pieces over four threads, and are asked for in random pieces meanwhile.
   */
  @ParameterizedTest
  @EnumSource(HeaderLayout.class)
  void everyByteIsRightWhateverTheOrder(HeaderLayout layout) throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed: " + seed);
    Random random = new Random(seed);
    List<PageRange> ranges = new ArrayList<>();
    long at = BASE;
    int pages = 0;
    while (pages < 12_000) {
      at += random.nextInt(3) * (long) random.nextInt(1000);
      int count = 1 + random.nextInt(random.nextBoolean() ? 8 : 2500);
      ranges.add(new PageRange(at, count));
      at += count;
      pages += count;
    }
    store.announce(Map.of(VPID, ranges));
    List<PageRange> arrivals = pieces(ranges, random);
    PageServerClient daemon = connect(layout);
    List<Thread> streams = new ArrayList<>();
    for (int stream = 0; stream < 4; stream++) {
      int own = stream;
      streams.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = own; i < arrivals.size(); i += 4) {
                      arrive(arrivals.get(i));
                    }
                  }));
    }
    int received = 0;
    for (PageRange asked : pieces(ranges, random)) {
      for (int done = 0; done < asked.count(); ) {
        daemon.request(VPID, (asked.firstPage() + done) * 4096, asked.count() - done);
        byte[] got = read(daemon, asked.count() - done);
        assertThat(got).isEqualTo(expected(asked.firstPage() + done, got.length / 4096));
        done += got.length / 4096;
      }
      received += asked.count();
    }
    for (Thread stream : streams) {
      stream.join();
    }
    assertThat(received).isEqualTo(pages);
    assertThat(store.stalePages()).isZero();
    assertThat(daemon.close()).isEqualTo(Optional.of(0));
    served.join();
    assertThat(store.heldBytes()).isLessThanOrEqualTo(9L * (2 << 20));
  }

  private static List<PageRange> pieces(List<PageRange> ranges, Random random) {
    List<PageRange> pieces = new ArrayList<>();
    for (PageRange range : ranges) {
      for (int from = 0; from < range.count(); ) {
        int count = Math.min(range.count() - from, 1 + random.nextInt(256));
        pieces.add(new PageRange(range.firstPage() + from, count));
        from += count;
      }
    }
    Collections.shuffle(pieces, random);
    return pieces;
  }

  private void arrive(PageRange piece) {
    for (long page = piece.firstPage(); page < piece.endPage(); ) {
      int count = 1;
      while (page + count < piece.endPage()
          && Patterns.isZero(page + count) == Patterns.isZero(page)) {
        count++;
      }
      if (Patterns.isZero(page)) {
        store.storeZero(VPID, page, count);
      } else {
        store.store(VPID, page, count, Patterns.of(VPID, page, count));
      }
      page += count;
    }
  }

  private static byte[] expected(long firstPage, int count) {
    ByteBuffer content = ByteBuffer.allocate(count * 4096);
    for (int i = 0; i < count; i++) {
      if (Patterns.isZero(firstPage + i)) {
        content.position(content.position() + 4096);
      } else {
        content.put(Patterns.of(VPID, firstPage + i, 1));
      }
    }
    return content.array();
  }

  private void announce(int count) {
    store.announce(Map.of(VPID, List.of(new PageRange(BASE, count))));
  }

  private void put(int from, int count) {
    store.store(VPID, BASE + from, count, Patterns.of(VPID, BASE + from, count));
  }

  private static byte[] content(int from, int count) {
    return Patterns.of(VPID, BASE + from, count).array();
  }

  private static long address(int page) {
    return (BASE + page) * 4096;
  }

  private PageServerClient connect(HeaderLayout layout) throws Exception {
    demands.connect(way);
    PageServer server = PageServer.listen(layout);
    serving =
        Thread.ofVirtual()
            .start(
                () -> {
                  try (PageServerConnection connection = server.accept()) {
                    source.serve(connection);
                    served.complete(null);
                  } catch (Exception e) {
                    served.completeExceptionally(e);
                  }
                });
    return PageServerClient.connect(server.port(), layout);
  }

  private static byte[] read(PageServerClient daemon, int atMost) throws Exception {
    ByteBuffer room = ByteBuffer.allocate(atMost * 4096);
    long pages = daemon.readPages(room);
    byte[] bytes = new byte[(int) pages * 4096];
    room.flip().get(bytes);
    return bytes;
  }
}
