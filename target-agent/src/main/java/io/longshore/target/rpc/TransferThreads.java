package io.longshore.target.rpc;

import io.longshore.linux.ThreadNiceness;
import io.longshore.platform.rpc.EventLoops;
import io.longshore.transfer.v1.TransferServiceGrpc;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/**
 * Threads for the data streams: what a workload waits for does not queue behind the push. For the
 * life of the process, without a thread while nothing comes.
 */
public final class TransferThreads {
  private static final int CONNECTIONS_WITH_A_THREAD = 16;
  private static final String SEND_PAGES =
      TransferServiceGrpc.getSendPagesMethod().getFullMethodName();
  private static final String PROBE_LINK =
      TransferServiceGrpc.getProbeLinkMethod().getFullMethodName();
  private static final String SYNC_FILES =
      TransferServiceGrpc.getSyncFilesMethod().getFullMethodName();
  private static final String SERVE_FAULTS =
      TransferServiceGrpc.getServeFaultsMethod().getFullMethodName();

  private final EventLoops loops =
      new EventLoops(
          CONNECTIONS_WITH_A_THREAD,
          ThreadNiceness.threads("transfer-network", ThreadNiceness.NORMAL));
  // Pages are installed under a lock that who answers faults needs: a thread that gives way to
  // others while it has the lock would keep them waiting.
  private final Executor pages =
      Executors.newCachedThreadPool(ThreadNiceness.threads("pages", ThreadNiceness.NORMAL));
  private final Executor waitedFor =
      Executors.newCachedThreadPool(ThreadNiceness.threads("waited-for", ThreadNiceness.URGENT));

  /** None has started yet. */
  public TransferThreads() {}

  /** For the network. */
  public EventLoops loops() {
    return loops;
  }

  /**
   * Runs the callbacks of a method's calls: those for images before those for pages, and those for
   * pages that are waited for on the network's own thread, so that no other must wake first.
   */
  public Executor callbacks(String method) {
    if (method.equals(SERVE_FAULTS)) {
      return Runnable::run;
    }
    return method.equals(SEND_PAGES) || method.equals(PROBE_LINK) || method.equals(SYNC_FILES)
        ? pages
        : waitedFor;
  }

  /**
   * To be told of each call on the thread of its connection: that of a fault stream has, as a rule,
   * no other connection.
   */
  public void started(String method) {
    if (method.equals(SERVE_FAULTS)) {
      ThreadNiceness.setForThisThread(ThreadNiceness.URGENT);
    }
  }
}
