package io.longshore.coordinator.migration;

import io.longshore.coordinator.agent.AgentException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells an agent something beside what the state machine wants, until it has heard it: the epoch of
 * a migration that was taken up, for from then on it refuses the coordinator before this one, and
 * opens data streams with this epoch, which the other agent may know already; or another bandwidth.
 */
final class Greeting implements Runnable {
  private static final Logger log = LoggerFactory.getLogger(Greeting.class);

  private final String what;
  private final Call call;
  private final RetryPolicy policy;
  private final CountDownLatch cancelled = new CountDownLatch(1);
  private final Thread thread;

  /** What is called. */
  interface Call {
    void run() throws AgentException, InterruptedException;
  }

  /**
   * @param what for the log
   */
  Greeting(String what, Call call, RetryPolicy policy) {
    this.what = what;
    this.call = call;
    this.policy = policy;
    this.thread = Thread.ofVirtual().name(what).unstarted(this);
  }

  Greeting start() {
    thread.start();
    return this;
  }

  void cancel() {
    cancelled.countDown();
    thread.interrupt();
  }

  @Override
  public void run() {
    try {
      for (int failures = 1; !heard(); failures++) {
        if (cancelled.await(policy.delay(failures).toNanos(), TimeUnit.NANOSECONDS)) {
          return;
        }
      }
    } catch (InterruptedException e) {
      log.debug("{} was cancelled", what);
    }
  }

  /** An agent that refuses has heard it, too. */
  private boolean heard() throws InterruptedException {
    try {
      call.run();
      return true;
    } catch (AgentException e) {
      log.debug("{}: {}", what, e.message());
      return e.kind() == AgentException.Kind.REFUSED;
    }
  }
}
