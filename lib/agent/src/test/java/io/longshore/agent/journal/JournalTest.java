package io.longshore.agent.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class JournalTest {
  private static final JournalEntry ENTRY =
      JournalEntry.of(new MigrationRef("m-1", 3), "FROZEN")
          .with("pid", 4711)
          .with("addresses", List.of("10.0.0.1/24", "10.0.0.2/24"))
          .with("odd", "a\\nb\nc\rd e \\ ")
          .with("empty", "");

  @TempDir Path parent;

  @Test
  void readsWhatWasWritten() throws Exception {
    try (Journal journal = Journal.open(folder())) {
      journal.write(JournalEntry.of(new MigrationRef("m-1", 2), "PREPARED"));
      journal.write(ENTRY);
      journal.write(JournalEntry.of(new MigrationRef("m-2", 1), "RELEASED"));
    }
    try (Journal again = Journal.open(folder())) {
      JournalContents contents = again.read();
      assertThat(contents.damaged()).isEmpty();
      assertThat(contents.entries()).hasSize(2).contains(ENTRY);
      JournalEntry read = contents.entries().getFirst();
      assertThat(read.number("pid")).isEqualTo(4711);
      assertThat(read.list("addresses")).containsExactly("10.0.0.1/24", "10.0.0.2/24");
      assertThat(read.find("missing")).isEmpty();
      assertThatThrownBy(() -> read.text("missing")).isInstanceOf(JournalFormatException.class);
      assertThatThrownBy(() -> read.number("odd")).isInstanceOf(JournalFormatException.class);
      again.remove("m-1");
      again.remove("m-1");
      assertThat(again.read().entries()).hasSize(1);
    }
  }

  @Test
  void aListWithoutElementsStaysOne() throws Exception {
    assertThat(ENTRY.with("addresses", List.of()).list("addresses")).isEmpty();
  }

  @Test
  void onlyTheOwnerCanReadIt() throws Exception {
    try (Journal journal = Journal.open(folder())) {
      journal.write(ENTRY);
    }
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder())))
        .isEqualTo("rwx------");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file())))
        .isEqualTo("rw-------");
  }

  @Test
  void everyFlippedBitAndEveryCutIsSeen() throws Exception {
    try (Journal journal = Journal.open(folder())) {
      journal.write(ENTRY);
      byte[] good = Files.readAllBytes(file());
      for (int at = 0; at < good.length; at++) {
        byte[] bad = good.clone();
        bad[at] ^= 1;
        Files.write(file(), bad);
        assertDamaged(journal);
        Files.write(file(), java.util.Arrays.copyOf(good, at));
        assertDamaged(journal);
      }
      Files.write(file(), good);
      assertThat(journal.read().entries()).containsExactly(ENTRY);
    }
  }

  @Test
  void anotherVersionIsNotGuessed() throws Exception {
    try (Journal journal = Journal.open(folder())) {
      journal.write(ENTRY);
      Files.writeString(
          file(),
          Files.readString(file()).replaceFirst("longshore-journal 1 ", "longshore-journal 2 "));
      assertThat(journal.read().damaged().get("m-1")).contains("version 2");
    }
  }

  @Test
  void aFileUnderAnotherNameIsDamaged() throws Exception {
    try (Journal journal = Journal.open(folder())) {
      journal.write(ENTRY);
      Files.move(file(), folder().resolve("m-9.journal"));
      assertThat(journal.read().damaged().get("m-9")).contains("m-1");
    }
  }

  @Test
  void aWriteThatWasCutOffLeavesWhatWasThere() throws Exception {
    try (Journal journal = Journal.open(folder())) {
      journal.write(ENTRY);
      Files.writeString(folder().resolve("m-1.new"), "longshore-jour");
      assertThat(journal.read().entries()).containsExactly(ENTRY);
      journal.write(ENTRY.with("pid", 1));
      assertThat(folder().resolve("m-1.new")).doesNotExist();
    }
  }

  @Test
  void belongsToOneProcessAtATime() throws Exception {
    assertThat(Journal.isOwned(folder())).isFalse();
    try (Journal journal = Journal.open(folder())) {
      assertThat(Journal.isOwned(folder())).isTrue();
      assertFailed(() -> Journal.open(folder()).close(), "another process");
      journal.write(ENTRY);
    }
    assertThat(Journal.isOwned(folder())).isFalse();
    assertThat(Journal.look(folder()).entries()).containsExactly(ENTRY);
  }

  @Test
  void aFolderThatIsNotThereHoldsNothing() {
    assertThat(Journal.look(folder()).entries()).isEmpty();
  }

  @Test
  void aFullDiskIsAnErrorThatChangesNothing() throws Exception {
    Path small = Files.createDirectory(parent.resolve("small"));
    run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small.toString());
    try (Journal journal = Journal.open(small.resolve("journal"))) {
      journal.write(ENTRY);
      byte[] filling = new byte[4096];
      assertThatThrownBy(
              () -> {
                try (var out = Files.newOutputStream(small.resolve("filling"))) {
                  while (true) {
                    out.write(filling);
                  }
                }
              })
          .isInstanceOf(IOException.class);
      JournalEntry next = ENTRY.with("pid", 5);
      assertFailed(() -> journal.write(next), "No space left on device");
      assertThat(journal.read().entries()).containsExactly(ENTRY);
      try (Stream<Path> files = Files.list(small.resolve("journal"))) {
        assertThat(files.map(file -> file.getFileName().toString()))
            .containsExactlyInAnyOrder("lock", "m-1.journal");
      }
      Files.delete(small.resolve("filling"));
      journal.write(next);
      assertThat(journal.read().entries()).containsExactly(next);
    } finally {
      run("umount", small.toString());
    }
  }

  private Path folder() {
    return parent.resolve("durable/journal");
  }

  private Path file() {
    return folder().resolve("m-1.journal");
  }

  private static void assertDamaged(Journal journal) {
    assertThat(journal.read().entries()).isEmpty();
    assertThat(journal.read().damaged()).containsOnlyKeys("m-1");
  }

  private static void assertFailed(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            LongshoreException.class, e -> assertThat(e.reason()).isEqualTo(Reason.JOURNAL_FAILED))
        .hasMessageContaining(message);
  }

  private static void run(String... command) throws Exception {
    assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
  }
}
