package io.longshore.target.pages;

import io.longshore.criu.pageserver.PageServerConnection;
import io.longshore.criu.pageserver.PageServerRequest;
import io.longshore.criu.pageserver.PageServerRequest.Close;
import io.longshore.criu.pageserver.PageServerRequest.Get;
import io.longshore.linux.PageSize;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Answers the page requests of {@code criu lazy-pages} out of the page store. What is not there yet
 * is demanded from the workload's source and waited for, for as long as it takes: a request that is
 * not answered keeps a thread of the workload waiting, an early end would lose the workload.
 */
public final class PageSource {
  /** Asked for together with the page that is waited for: 64 KiB, as CRIU's smallest transfer. */
  private static final int DEMAND_PAGES = 16;

  /** The most pages of one answer: 4 MiB, as CRIU's largest transfer. */
  private static final int ANSWER_PAGES = 1024;

  /** A demand may be lost with the stream that carried it. */
  private static final long REPEAT_DEMAND_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final PageStore store;
  private final Demands demands;
  private final AtomicLong demandFaults = new AtomicLong();

  /** Answers from this store; what it lacks is demanded this way. */
  public PageSource(PageStore store, Demands demands) {
    this.store = store;
    this.demands = demands;
  }

  /**
   * Answers until the daemon has all that the workload needs. Runs on the caller's thread.
   *
   * @throws IOException if the daemon ended the connection otherwise: the workload is lost then
   */
  public void serve(PageServerConnection connection) throws IOException, InterruptedException {
    List<ByteBuffer> content = new ArrayList<>();
    while (true) {
      Optional<PageServerRequest> head = connection.head(Duration.ofMinutes(1));
      if (head.isEmpty()) {
        continue;
      }
      switch (head.get()) {
        case Get get -> answer(connection, get, content);
        case Close() -> {
          connection.acknowledgeClose();
          return;
        }
      }
    }
  }

  /** Requests for single pages, made by threads of the workload, that were still on the source. */
  public long demandFaults() {
    return demandFaults.get();
  }

  private void answer(PageServerConnection connection, Get get, List<ByteBuffer> content)
      throws IOException, InterruptedException {
    int vpid = Math.toIntExact(get.pid());
    long page = get.address() / PageSize.BYTES;
    int wanted = (int) Math.min(get.pages(), ANSWER_PAGES);
    AddressSpace space = store.space(vpid, page, wanted);
    content.clear();
    int found = space.find(page, wanted, content);
    if (found == 0) {
      fetch(space, vpid, page, wanted);
      found = space.find(page, wanted, content);
    }
    connection.reply(get, content.toArray(ByteBuffer[]::new));
    space.installed(page, found);
  }

  private void fetch(AddressSpace space, int vpid, long page, int wanted)
      throws InterruptedException {
    boolean again = space.isInstalled(page);
    if (wanted == 1 && !again) {
      demandFaults.incrementAndGet();
    }
    do {
      demands.demand(vpid, page, Math.min(wanted, DEMAND_PAGES), again);
    } while (!space.awaitPage(page, REPEAT_DEMAND_NANOS));
  }
}
