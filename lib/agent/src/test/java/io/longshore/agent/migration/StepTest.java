package io.longshore.agent.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class StepTest {
  private final Step<String> step = new Step<>("step-of-test");
  private final CountDownLatch go = new CountDownLatch(1);
  private final AtomicInteger runs = new AtomicInteger();

  @Test
  void runsOnceHoweverManyOrderIt() throws Exception {
    List<Thread> orderers = new ArrayList<>();
    List<CompletableFuture<String>> outcomes = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      CompletableFuture<String> outcome = new CompletableFuture<>();
      outcomes.add(outcome);
      orderers.add(
          Thread.ofVirtual().start(() -> outcome.complete(Step.join(step.order(this::work)))));
    }
    go.countDown();
    for (Thread orderer : orderers) {
      orderer.join();
    }
    assertThat(outcomes)
        .allSatisfy(outcome -> assertThat(outcome.join()).isEqualTo("done by step-of-test"));
    assertThat(runs).hasValue(1);
    assertThat(Step.join(step.order(() -> "another"))).isEqualTo("done by step-of-test");
  }

  @Test
  void saysWhetherItWasOrdered() {
    assertThat(step.wasOrdered()).isFalse();
    var _ = step.order(this::work);
    assertThat(step.wasOrdered()).isTrue();
    go.countDown();
  }

  @Test
  void failsForEveryOrderWithWhatTheWorkThrew() {
    LongshoreException failure = new LongshoreException(Reason.WRONG_PHASE, "no");
    CompletableFuture<String> first =
        step.order(
            () -> {
              throw failure;
            });
    assertThatThrownBy(() -> Step.join(first)).isSameAs(failure);
    assertThatThrownBy(() -> Step.join(step.order(() -> "too late"))).isSameAs(failure);
  }

  @Test
  void oneThatMustSucceedIsTriedAgainAfterAFailureAndNotAfterASuccess() {
    Step<String> untilDone = Step.untilDone("step-of-test");
    go.countDown();
    for (int i = 1; i <= 3; i++) {
      assertThatThrownBy(
              () ->
                  Step.join(
                      untilDone.order(
                          () -> {
                            runs.incrementAndGet();
                            throw new LongshoreException(Reason.INTERNAL, "not yet");
                          })))
          .hasMessage("not yet");
      assertThat(runs).hasValue(i);
    }
    assertThat(Step.join(untilDone.order(this::work))).isEqualTo("done by step-of-test");
    assertThat(Step.join(untilDone.order(() -> "another"))).isEqualTo("done by step-of-test");
    assertThat(runs).hasValue(4);
  }

  @Test
  void oneThatMustSucceedRunsOnceAtATime() throws Exception {
    Step<String> untilDone = Step.untilDone("step-of-test");
    CompletableFuture<String> first = untilDone.order(this::work);
    CompletableFuture<String> second = untilDone.order(this::work);
    go.countDown();
    assertThat(second.get()).isEqualTo(first.get());
    assertThat(runs).hasValue(1);
  }

  @Test
  void wrapsWhatIsNotForCallers() {
    IOException failure = new IOException("disk");
    CompletableFuture<String> outcome =
        step.order(
            () -> {
              throw failure;
            });
    assertThatThrownBy(() -> Step.join(outcome))
        .isInstanceOf(CompletionException.class)
        .hasCause(failure);
  }

  @Test
  void failsAlsoWithAnError() {
    CompletableFuture<String> outcome =
        step.order(
            () -> {
              throw new AssertionError("a defect");
            });
    assertThatThrownBy(() -> Step.join(outcome)).hasRootCauseMessage("a defect");
  }

  @Test
  void goesOnWhenWhoOrderedItGivesUp() throws Exception {
    CompletableFuture<String> outcome = step.order(this::work);
    Thread orderer = Thread.ofPlatform().start(() -> Step.join(outcome));
    orderer.interrupt();
    go.countDown();
    assertThat(outcome.get()).isEqualTo("done by step-of-test");
    orderer.join();
  }

  @Test
  void awaitEndReturnsAtOnceIfItWasNeverOrdered() {
    step.awaitEnd();
    assertThat(step.wasOrdered()).isFalse();
  }

  @Test
  void awaitEndWaitsForTheEndAndNotForTheOutcome() throws Exception {
    var _ =
        step.order(
            () -> {
              go.await();
              throw new IOException("it failed");
            });
    Thread waiter = Thread.ofPlatform().start(step::awaitEnd);
    Awaitility.await().until(() -> waiter.getState() == Thread.State.WAITING);
    go.countDown();
    assertThat(waiter.join(Duration.ofSeconds(10))).isTrue();
  }

  private String work() throws InterruptedException {
    runs.incrementAndGet();
    go.await();
    return "done by " + Thread.currentThread().getName();
  }
}
