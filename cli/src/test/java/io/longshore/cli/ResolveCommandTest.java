package io.longshore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.v1.Migration.State;
import io.longshore.v1.Resolution;
import io.longshore.v1.ResolveMigrationRequest;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class ResolveCommandTest {
  private final FakeCoordinator coordinator = new FakeCoordinator();

  @BeforeEach
  void start() throws Exception {
    coordinator.migration = Samples.in(State.STATE_PUSHING);
    coordinator.start();
  }

  @AfterEach
  void stop() throws Exception {
    coordinator.close();
  }

  @Test
  void saysWhatIsLostAndDecidesWhenItIsToldYes() {
    Run run = run("yes\n", "resolve", "m-1", "--abandon-target");

    assertThat(run.status()).isZero();
    assertThat(run.err()).contains("The workload loses what it did.", "Do it?");
    assertThat(run.out()).contains("Migration m-1");
    assertThat(coordinator.resolved)
        .extracting(ResolveMigrationRequest::getAccept)
        .containsExactly(false, true);
    assertThat(coordinator.resolved.getLast())
        .isEqualTo(
            ResolveMigrationRequest.newBuilder()
                .setMigrationId("m-1")
                .setResolution(Resolution.RESOLUTION_ABANDON_TARGET)
                .setAccept(true)
                .setState(State.STATE_PUSHING)
                .build());
  }

  @Test
  void changesNothingWithoutAYes() {
    for (String answer : new String[] {"", "no\n", "y\n", "\n"}) {
      Run run = run(answer, "resolve", "m-1", "--abandon-source");
      assertThat(run.status()).isEqualTo(1);
      assertThat(run.err()).contains("Nothing was changed.");
    }
    assertThat(coordinator.resolved)
        .extracting(ResolveMigrationRequest::getAccept)
        .containsOnly(false);
  }

  @Test
  void doesNotAskIfItIsToldSo() {
    Run run = run("", "resolve", "m-1", "--abandon-source", "--yes");
    assertThat(run.status()).isZero();
    assertThat(run.err()).contains("The workload loses what it did.").doesNotContain("Do it?");
    assertThat(coordinator.resolved.getLast().getAccept()).isTrue();
  }

  @Test
  void endsWithOneIfTheMigrationDoesNotNeedIt() {
    coordinator.failures.add(new LongshoreException(Reason.WRONG_PHASE, "it goes on by itself"));
    Run run = run("yes\n", "resolve", "m-1", "--abandon-source");
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.err()).contains("WRONG_PHASE: it goes on by itself");
    assertThat(coordinator.resolved).hasSize(1);
  }

  @Test
  void wantsExactlyOneDecision() {
    assertThat(run("", "resolve", "m-1").status()).isEqualTo(2);
    assertThat(run("", "resolve", "m-1", "--abandon-source", "--abandon-target").status())
        .isEqualTo(2);
    assertThat(coordinator.resolved).isEmpty();
  }

  private Run run(String input, String... arguments) {
    return Run.answering(
        input, Map.of("LONGSHORE_COORDINATOR", coordinator.address().toString()), arguments);
  }
}
