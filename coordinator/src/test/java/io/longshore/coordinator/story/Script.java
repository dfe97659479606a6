package io.longshore.coordinator.story;

import io.grpc.Context;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * What fake agents do when they are called, and what they were called. Safe for use by several
 * threads.
 */
final class Script {
  private final Map<String, Deque<Step>> next = new HashMap<>();
  private final Map<String, Gate> gates = new HashMap<>();
  private final List<String> calls = new ArrayList<>();
  private final List<String> cancelled = new ArrayList<>();

  /** Done before a call is answered: may throw instead. */
  interface Step {
    void run() throws InterruptedException;
  }

  /** Calls wait here until it is opened. */
  static final class Gate implements Step {
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch opened = new CountDownLatch(1);

    @Override
    public void run() throws InterruptedException {
      reached.countDown();
      if (!opened.await(30, TimeUnit.SECONDS)) {
        throw new IllegalStateException("nobody opened the gate");
      }
    }

    void awaitReached() throws InterruptedException {
      if (!reached.await(10, TimeUnit.SECONDS)) {
        throw new AssertionError("the call that was to be held did not come");
      }
    }

    void open() {
      opened.countDown();
    }
  }

  /**
   * The next call of that name does this; later ones what is scripted after it, or answer normally.
   */
  synchronized void then(String call, Step step) {
    next.computeIfAbsent(call, name -> new ArrayDeque<>()).add(step);
  }

  /** The next calls of that name fail. */
  void fail(String call, int times, Reason reason) {
    for (int i = 0; i < times; i++) {
      then(
          call,
          () -> {
            throw new LongshoreException(reason, call + " fails by script")
                .withCriuLog(List.of("Error (criu): " + call));
          });
    }
  }

  /** Every call of that name waits until the gate is opened. */
  synchronized Gate hold(String call) {
    Gate gate = new Gate();
    gates.put(call, gate);
    return gate;
  }

  void enter(String call) throws InterruptedException {
    Gate gate;
    Step step;
    Context.current().addListener(context -> ended(call, context), Runnable::run);
    synchronized (this) {
      calls.add(call);
      gate = gates.get(call);
      Deque<Step> steps = next.get(call);
      step = steps == null ? null : steps.poll();
    }
    if (gate != null) {
      gate.run();
    }
    if (step != null) {
      step.run();
    }
  }

  private synchronized void ended(String call, Context context) {
    if (context.cancellationCause() != null) {
      cancelled.add(call);
    }
  }

  /** Every call that its caller cancelled before it was answered. */
  synchronized List<String> cancelled() {
    return List.copyOf(cancelled);
  }

  /** Every call that came, in order. */
  synchronized List<String> calls() {
    return List.copyOf(calls);
  }

  synchronized long count(String call) {
    return calls.stream().filter(call::equals).count();
  }

  synchronized void openAll() {
    gates.values().forEach(Gate::open);
  }
}
