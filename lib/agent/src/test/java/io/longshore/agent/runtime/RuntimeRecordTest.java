package io.longshore.agent.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.agent.journal.JournalEntry;
import io.longshore.agent.journal.JournalFormatException;
import io.longshore.agent.migration.MigrationRef;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class RuntimeRecordTest {
  private static final JournalEntry ENTRY =
      JournalEntry.of(new MigrationRef("m-1", 1), "PREPARED").with("root.pid", 4711);

  @Test
  void isReadAsItWasWritten() throws Exception {
    RuntimeRecord record =
        new RuntimeRecord(
            new WorkloadName("runc", "web-1"),
            new TreeMap<>(Map.of("root", "/run/runc", "bundle", "/srv/web")));
    assertThat(RuntimeRecord.of(record.in(ENTRY), 4711)).isEqualTo(record);
  }

  @Test
  void ofAProcessNothingIsWritten() throws Exception {
    RuntimeRecord record = RuntimeRecord.ofProcess(4711);
    assertThat(record.in(ENTRY)).isEqualTo(ENTRY);
    assertThat(RuntimeRecord.of(ENTRY, 4711)).isEqualTo(record);
  }

  @Test
  void whatCannotBeIsDamage() {
    JournalEntry damaged = ENTRY.with("runtime", "../runc").with("runtime.name", "web-1");
    assertThatThrownBy(() -> RuntimeRecord.of(damaged, 0))
        .isInstanceOf(JournalFormatException.class);
    assertThatThrownBy(() -> RuntimeRecord.of(ENTRY.with("runtime", "runc"), 0))
        .isInstanceOf(JournalFormatException.class)
        .hasMessageContaining("runtime.name");
  }
}
