package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StretchesTest {
  private final Stretches stretches = new Stretches();

  @Test
  void aMoveIsOneStretchAfterTheOther() {
    see("a", 1, 5, 9, 9);
    see("b", 9, 9, 12, 20);
    see("a", 9);
    assertThat(stretches.hosts()).containsExactly("a", "b");
    assertThat(stretches.wrong()).isEmpty();
  }

  @Test
  void aCopyThatNeverRanIsNone() {
    see("a", 1, 5);
    see("b", 5, 5);
    see("a", 6);
    assertThat(stretches.hosts()).containsExactly("a");
    assertThat(stretches.wrong()).isEmpty();
  }

  @Test
  void twoCopiesAtOnceAreManyStretches() {
    see("a", 1, 5);
    see("b", 5, 6);
    see("a", 7);
    see("b", 8);
    assertThat(stretches.hosts()).containsExactly("a", "b", "a", "b");
  }

  @Test
  void aCopyThatLacksWhatWasDoneIsWrong() {
    see("a", 1, 5);
    see("b", 4);
    assertThat(stretches.wrong()).containsExactly("the copy on b begins with 4, after 5");
    see("b", 3);
    assertThat(stretches.wrong()).hasSize(2);
  }

  private void see(String host, long... numbers) {
    for (long number : numbers) {
      stretches.saw(host, number);
    }
  }
}
