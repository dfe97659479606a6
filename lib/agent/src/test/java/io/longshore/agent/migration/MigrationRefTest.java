package io.longshore.agent.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class MigrationRefTest {
  @ParameterizedTest
  @ValueSource(strings = {"a", "0", "m-1", "0123456789abcdef-", "mig--x"})
  void takesWhatTheCoordinatorChooses(String id) {
    assertThat(new MigrationRef(id, 1).id()).isEqualTo(id);
  }

  @Test
  void takesSixtyFourCharactersAndRefusesOneMore() {
    assertThat(new MigrationRef("a".repeat(64), 1).id()).hasSize(64);
    assertRefused("a".repeat(65), 1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "-a", "A", "a/b", "..", "a.b", "../a", "a\n", "a b", "\u00e4", "a\0", "a_b"})
  void refusesWhatCouldNotBePartOfAFileName(String id) {
    assertRefused(id, 1);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MIN_VALUE})
  void refusesAnEpochBelowOne(long epoch) {
    assertRefused("m", epoch);
  }

  private static void assertRefused(String id, long epoch) {
    assertThatThrownBy(() -> new MigrationRef(id, epoch))
        .isInstanceOfSatisfying(
            LongshoreException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_ARGUMENT));
  }
}
