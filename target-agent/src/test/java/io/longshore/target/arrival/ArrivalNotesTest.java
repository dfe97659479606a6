package io.longshore.target.arrival;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.agent.copy.CopyRecord;
import io.longshore.agent.copy.CopyRecord.Stage;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.linux.ProcessFamily.Member;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the next agent finds of a copy that was to run and could not. */
final class ArrivalNotesTest {
  private static final List<Member> HELD = List.of(new Member(42, 7));

  @TempDir Path folder;

  @Test
  void whatNeverRanIsAsItWasBeforeItWasToRun() throws Exception {
    try (ArrivalNotes notes =
        ArrivalNotes.begin(folder, new MigrationRef("m-1", 1), RuntimeRecord.ofProcess(0))) {
      notes.held(HELD);
      notes.resumed();
      assertThat(written().stage()).isEqualTo(Stage.RESUMED);
      notes.neverRan();
      assertThat(written().stage()).isEqualTo(Stage.PREPARED);
      assertThat(written().processes()).isEqualTo(HELD);
      // Filled after all, or before: it did not run.
      notes.filled();
      assertThat(written().stage()).isEqualTo(Stage.PREPARED);
      notes.resumed();
      assertThat(written().stage()).isEqualTo(Stage.FILLED);
      notes.neverRan();
      assertThat(written()).isEqualTo(notes.record());
      assertThat(notes.record().stage()).isEqualTo(Stage.PREPARED);
    }
  }

  @Test
  void whatCannotBeFilledIsBrokenOnlyIfItRan() throws Exception {
    try (ArrivalNotes notes =
        ArrivalNotes.begin(folder, new MigrationRef("m-1", 1), RuntimeRecord.ofProcess(0))) {
      notes.held(HELD);
      notes.broken();
      assertThat(written().stage()).isEqualTo(Stage.PREPARED);
      notes.resumed();
      notes.broken();
      assertThat(written().stage()).isEqualTo(Stage.BROKEN);
      notes.neverRan();
      assertThat(written().stage()).isEqualTo(Stage.PREPARED);
    }
  }

  private CopyRecord written() throws Exception {
    return CopyRecord.read(folder).orElseThrow();
  }
}
