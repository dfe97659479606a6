package io.longshore.target.pages;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import org.jspecify.annotations.Nullable;

/**
 * The way of demands from the page installer to whoever can send them to the workload's source.
 * Thread-safe.
 */
public final class Demands {
  /** Sends a demand to the source. */
  public interface Sender {
    /**
     * Asks for pages. Must not block for long.
     *
     * @param again they were here before and are needed once more
     */
    void demand(int vpid, long firstPage, int count, boolean again);
  }

  @GuardedBy("this")
  private @Nullable Sender sender;

  @GuardedBy("this")
  private Runnable whenConnected = () -> {};

  /** From now on demands go this way. */
  public synchronized void connect(Sender newSender) {
    sender = newSender;
    whenConnected.run();
  }

  /** Is told when there is a new way: what was demanded before may be lost. Must not block. */
  synchronized void whenConnected(Runnable listener) {
    whenConnected = listener;
  }

  /** This way is gone; nothing happens if there is a newer one. */
  @SuppressWarnings("ReferenceEquality") // A way is a stream; no other is as good.
  public synchronized void disconnect(Sender goneSender) {
    if (sender == goneSender) {
      sender = null;
    }
  }

  /** Asks for pages; nothing happens while there is no way, so who waits must ask again. */
  void demand(int vpid, long firstPage, int count, boolean again) {
    Sender way;
    synchronized (this) {
      way = sender;
    }
    if (way != null) {
      way.demand(vpid, firstPage, count, again);
    }
  }
}
