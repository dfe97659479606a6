package io.longshore.target.pages;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
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
  private long cutAt;

  /** Whether there was a way and is none now. */
  @GuardedBy("this")
  private boolean cut;

  @GuardedBy("this")
  private Runnable whenConnected = () -> {};

  /** From now on demands go this way. */
  public synchronized void connect(Sender newSender) {
    sender = newSender;
    cut = false;
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
      cut = true;
      cutAt = System.nanoTime();
    }
  }

  /** How long there has been no way any more; zero if there is one, or never was. */
  public synchronized Duration cutFor() {
    return cut ? Duration.ofNanos(System.nanoTime() - cutAt) : Duration.ZERO;
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
