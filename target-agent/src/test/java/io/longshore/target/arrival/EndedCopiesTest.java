package io.longshore.target.arrival;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.target.arrival.EndedCopies.Ended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class EndedCopiesTest {
  private static final int REMEMBERED = 1000;

  @TempDir Path work;

  @Test
  void remembersTheLastAndDoesNotGrowWithAllThatThereWere() throws Exception {
    for (int i = 0; i < 20_000; i++) {
      EndedCopies.note(work, ended(i));
      if (i == REMEMBERED - 1) {
        assertThat(EndedCopies.takeUp(work)).hasSize(REMEMBERED).containsKey("migration-0");
      }
    }
    assertThat(Files.size(work.resolve("ended"))).isLessThan(300 << 10);
    assertThat(EndedCopies.takeUp(work))
        .hasSize(REMEMBERED)
        .containsEntry("migration-19999", ended(19999))
        .containsEntry("migration-19000", ended(19000));
    assertOnlyOneFile();
  }

  private void assertOnlyOneFile() throws IOException {
    try (var files = Files.list(work)) {
      assertThat(files).containsExactly(work.resolve("ended"));
    }
  }

  private static Ended ended(int number) {
    return new Ended(new MigrationRef("migration-" + number, 7), number % 2 == 0);
  }
}
