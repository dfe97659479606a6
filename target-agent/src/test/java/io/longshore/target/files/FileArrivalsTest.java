package io.longshore.target.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.agent.files.Selection;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import io.longshore.target.files.FileArrivals.Fate;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class FileArrivalsTest {
  private static final MigrationRef REF = new MigrationRef("m-1", 3);

  @TempDir private Path folder;
  private Path to;
  private FileArrivals files;

  @BeforeEach
  void start() throws Exception {
    to = folder.resolve("a/b/to");
    files = TestFiles.in(folder.resolve("agent"));
  }

  @AfterEach
  void stop() {
    files.journal().close();
  }

  @Test
  void makesADestinationThatOnlyItsOwnerCanEnter() throws Exception {
    files.prepare(REF, List.of(tree(1, to)));
    assertThat(Files.getPosixFilePermissions(to))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    files.prepare(REF, List.of(tree(1, to)));
  }

  @Test
  void removesWhatCameAndTheFoldersThatWereMadeForIt() throws Exception {
    Files.createDirectory(folder.resolve("a"));
    files.prepare(REF, List.of(tree(1, to)));
    Files.createDirectories(to.resolve("came/here"));
    Files.createSymbolicLink(to.resolve("came/out"), folder);
    Files.writeString(folder.resolve("beside"), "was there");
    files.remove("m-1");
    assertThat(folder.resolve("a")).isEmptyDirectory();
    assertThat(folder.resolve("beside")).hasContent("was there");
    assertThat(files.journal().read().entries()).isEmpty();
    files.remove("m-1");
  }

  @Test
  void leavesAnEmptyFolderThatWasThereAsItWas() throws Exception {
    Files.createDirectories(to);
    Files.setPosixFilePermissions(to, PosixFilePermissions.fromString("r-xr-x---"));
    Files.setAttribute(to, "unix:uid", 1234);
    FileTime time = FileTime.from(Instant.ofEpochSecond(1_000_000_000, 7));
    Files.setLastModifiedTime(to, time);
    String before = TreeComparison.describe(to).toString();
    files.prepare(REF, List.of(tree(1, to)));
    Files.writeString(to.resolve("came"), "came");
    Files.setPosixFilePermissions(to, PosixFilePermissions.fromString("rwxrwxrwx"));
    Files.setAttribute(to, "unix:uid", 5);
    files.remove("m-1");
    assertThat(TreeComparison.describe(to)).hasToString(before);
  }

  @Test
  void refusesAPlaceWhereSomethingIs() throws Exception {
    Path there = Files.createDirectories(folder.resolve("there"));
    Path file = Files.writeString(there.resolve("file"), "was there");
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("/tmp"));
    for (Path path : List.of(there, file, file.resolve("below"), link)) {
      assertThat(reasons(tree(1, path))).as("%s", path).containsExactly(Reason.DESTINATION_IN_USE);
      assertThatThrownBy(() -> files.prepare(REF, List.of(tree(1, to), tree(2, path))))
          .isInstanceOfSatisfying(
              LongshoreException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.DESTINATION_IN_USE));
      assertThat(folder.resolve("a")).doesNotExist();
    }
    assertThat(file).hasContent("was there");
    assertThat(reasons(tree(1, to), tree(2, to.resolve("below"))))
        .containsExactly(Reason.DESTINATION_IN_USE);
    assertThat(files.journal().read().entries()).isEmpty();
  }

  @Test
  void refusesWhatDoesNotFit() throws Exception {
    assertThat(reasons(tree(1, to), new IncomingTree(2, folder.resolve("c"), Long.MAX_VALUE / 2)))
        .containsExactly(Reason.NOT_ENOUGH_DISK);
    assertThat(reasons(tree(1, to))).isEmpty();
  }

  @Test
  void refusesPathsThatAreNone() {
    for (String path : List.of("relative", "/", "/a/../b", "/a\nb")) {
      assertThatThrownBy(() -> tree(1, Path.of(path)))
          .isInstanceOfSatisfying(
              LongshoreException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_ARGUMENT));
    }
  }

  @Test
  void keepsTheFilesOfAWorkloadThatWasResumed() throws Exception {
    files.prepare(REF, List.of(tree(1, to)));
    Files.writeString(to.resolve("came"), "came");
    files.resume("m-1");
    assertThatThrownBy(() -> files.open("m-1", 1, Selection.WHOLE))
        .isInstanceOfSatisfying(
            LongshoreException.class, e -> assertThat(e.reason()).isEqualTo(Reason.WRONG_PHASE));
    startAgain(Fate.NEVER_RAN);
    assertThat(to.resolve("came")).exists();
    files.complete("m-1");
    files.remove("m-1");
    assertThat(to.resolve("came")).exists();
    assertThat(files.journal().read().entries()).isEmpty();
  }

  @Test
  void aLaterAgentRemovesWhatNeverRanAndKeepsWhatMay() throws Exception {
    files.prepare(REF, List.of(tree(1, to), tree(2, folder.resolve("a/second"))));
    Files.writeString(to.resolve("came"), "came");
    startAgain(Fate.MAY_RUN);
    assertThat(to.resolve("came")).exists();
    startAgain(Fate.NEVER_RAN);
    assertThat(folder.resolve("a")).doesNotExist();
    assertThat(files.journal().read().entries()).isEmpty();
  }

  @Test
  void aLaterAgentEndsAnRsyncThatGoesOnWithoutItsOwn() throws Exception {
    files.prepare(REF, List.of(tree(1, to)));
    FileSession left = files.open("m-1", 1, Selection.WHOLE);
    // It has its input still, so that it does not end by itself.
    startAgain(Fate.NEVER_RAN);
    assertThat(to).doesNotExist();
    assertThat(left.fromProgram().readAllBytes()).isNotNull();
    assertThatThrownBy(left::awaitEnd).hasMessageContaining("ended with");
  }

  @Test
  void doesNotTouchAFolderThatSomebodyElseMadeInItsPlace() throws Exception {
    files.prepare(REF, List.of(tree(1, to)));
    Files.move(to, folder.resolve("taken away"));
    Files.createDirectory(to);
    Files.writeString(to.resolve("other"), "somebody else's");
    startAgain(Fate.NEVER_RAN);
    assertThat(to.resolve("other")).hasContent("somebody else's");
  }

  @Test
  void whatAnAgentDiedBeforeMakingIsNotRemoved() throws Exception {
    // It wrote down what it would make, and no more.
    files
        .journal()
        .write(
            Staging.plan(tree(1, to))
                .addTo(io.longshore.agent.journal.JournalEntry.of(REF, "STAGED").with("trees", 1)));
    Files.createDirectories(to);
    Files.writeString(to.resolve("other"), "somebody else's");
    startAgain(Fate.NEVER_RAN);
    assertThat(to.resolve("other")).hasContent("somebody else's");
    assertThat(files.journal().read().entries()).isEmpty();
  }

  private void startAgain(Fate fate) throws Exception {
    files.journal().close();
    files = TestFiles.in(folder.resolve("agent"));
    files.takeUp(ref -> fate);
  }

  private static List<Reason> reasons(IncomingTree... trees) throws InterruptedException {
    return Destinations.check(List.of(trees)).stream().map(Problem::reason).toList();
  }

  private static IncomingTree tree(int number, Path path) {
    return new IncomingTree(number, path, 1000);
  }
}
