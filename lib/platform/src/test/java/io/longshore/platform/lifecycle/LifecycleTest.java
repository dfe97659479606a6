package io.longshore.platform.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class LifecycleTest {
  private final List<String> events = new ArrayList<>();

  @Test
  void startsInOrderAndStopsInReverse() throws Exception {
    try (Lifecycle lifecycle =
        new Lifecycle(List.of(component("a"), component("b"), component("c")))) {
      lifecycle.start();
    }

    assertThat(events)
        .containsExactly("start a", "start b", "start c", "stop c", "stop b", "stop a");
  }

  @Test
  void stopsWhatWasStartedWhenOneFailsAndSuppressesWhatFollows() {
    Lifecycle lifecycle =
        new Lifecycle(
            List.of(component("a"), failingToStop("b"), failingToStart("c"), component("never")));

    Throwable failure = catchThrowable(lifecycle::start);

    assertThat(failure).hasMessage("c does not start");
    assertThat(failure.getSuppressed()).hasSize(1);
    assertThat(failure.getSuppressed()[0]).hasMessage("b does not stop");
    assertThat(events)
        .containsExactly("start a", "start b", "start c", "stop c", "stop b", "stop a");
  }

  @Test
  void stopsTheOthersWhenOneFailsToStop() throws Exception {
    Lifecycle lifecycle =
        new Lifecycle(List.of(component("a"), failingToStop("b"), component("c")));
    lifecycle.start();

    lifecycle.close();

    assertThat(events).endsWith("stop c", "stop b", "stop a");
  }

  @Test
  void stopsOnce() throws Exception {
    Lifecycle lifecycle = new Lifecycle(List.of(component("a")));
    lifecycle.start();
    lifecycle.close();
    lifecycle.close();

    assertThat(events).containsExactly("start a", "stop a");
  }

  @Test
  void doesNotStartAgain() throws Exception {
    Lifecycle lifecycle = new Lifecycle(List.of(component("a")));
    lifecycle.close();

    assertThatIllegalStateException().isThrownBy(lifecycle::start);
  }

  private Component component(String name) {
    return new Recorded(name, false, false);
  }

  private Component failingToStart(String name) {
    return new Recorded(name, true, false);
  }

  private Component failingToStop(String name) {
    return new Recorded(name, false, true);
  }

  private final class Recorded implements Component {
    private final String name;
    private final boolean failsToStart;
    private final boolean failsToStop;

    Recorded(String name, boolean failsToStart, boolean failsToStop) {
      this.name = name;
      this.failsToStart = failsToStart;
      this.failsToStop = failsToStop;
    }

    @Override
    public void start() throws Exception {
      events.add("start " + name);
      if (failsToStart) {
        throw new Exception(name + " does not start");
      }
    }

    @Override
    public void stop() throws Exception {
      events.add("stop " + name);
      if (failsToStop) {
        throw new Exception(name + " does not stop");
      }
    }
  }
}
