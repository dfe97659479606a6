package io.longshore.agent.runc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.CriuRestore;
import io.longshore.criu.run.RestoreOptions;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A container of a real runc that our CRIU restores, and who is killed meanwhile. */
class RuncRestoreTest {
  private static final Duration PATIENCE = TestContainer.PATIENCE;
  private static Criu criu;

  @TempDir Path folder;
  private TestContainer container;
  private RuncCheckpoint checkpoint;
  private CriuFolder migration;
  private @Nullable CriuRestore restore;
  private @Nullable RuncRestore standing;

  @BeforeAll
  static void findCriu() throws Exception {
    criu = TestContainer.criu();
  }

  @BeforeEach
  void makeImages() throws Exception {
    container = TestContainer.make(folder, config -> config.add("hooks", hooks()));
    // Like a supervisor's: what reads it is outside.
    container.run(Redirect.PIPE);
    migration = CriuFolder.create(folder.resolve("migration"));
    checkpoint =
        RuncCheckpoint.ask(
            container.runc(), criu, migration.path().resolve("checkpoint"), container.id());
    container.leave(criu, checkpoint, migration.images(), migration.work());
  }

  @AfterEach
  void removeAll() throws Exception {
    if (restore != null && !restore.exit().isDone()) {
      restore.kill();
    }
    if (standing != null) {
      RuncProcess.attach(migration.path().resolve("restore")).orElseThrow().kill();
      standing.close();
    }
    container.remove();
  }

  @Test
  void aRuncThatIsKilledCostsNoFileOfTheRoot() throws Exception {
    List<String> files = container.rootFiles();
    RuncRestore standing = prepare();
    int root = hold(standing);
    standing.held(root);

    kill(runcPid());
    go();

    assertThat(container.runc().list()).extracting(RuncContainer::pid).containsExactly(root);
    assertThat(container.counts()).isTrue();
    assertThat(container.runc().exec(container.id(), List.of("/bin/ls", "/data")))
        .contains("count");
    container.runc().kill(container.id(), "KILL");
    await()
        .atMost(PATIENCE)
        .until(() -> container.runc().state(container.id()).orElseThrow().pid() == 0);
    container.runc().delete(container.id());
    assertThat(container.rootFiles()).isEqualTo(files);
    assertThat(container.runc().stateFolder(container.id())).doesNotExist();
  }

  @Test
  void aRestoredContainerIsOneOfRuncs() throws Exception {
    RuncRestore standing = prepare();
    assertThat(container.runc().state(container.id())).isEmpty();
    int root = hold(standing);
    standing.held(root);
    assertThat(container.runc().list())
        .singleElement()
        .satisfies(
            listed -> {
              assertThat(listed.status()).isEqualTo(RuncContainer.Status.RUNNING);
              assertThat(listed.pid()).isEqualTo(root);
            });
    assertThat(container.counts()).as("while it is held").isFalse();

    go();

    assertThat(standing.done()).isTrue();
    assertThat(container.counts()).isTrue();
    assertThat(container.runc().exec(container.id(), List.of("/bin/cat", "/data/count")))
        .isNotBlank();
    container.runc().pause(container.id());
    assertThat(container.counts()).isFalse();
    container.runc().resume(container.id());
    assertThat(container.counts()).isTrue();
    container.runc().kill(container.id(), "KILL");
    await()
        .atMost(PATIENCE)
        .until(() -> container.runc().state(container.id()).orElseThrow().pid() == 0);
    container.runc().delete(container.id());
    assertNothingIsLeft();
  }

  @Test
  void theContainerSeesOnlyItsOwnCgroups() throws Exception {
    RuncRestore standing = prepare();
    int root = hold(standing);

    assertThat(Files.readAllLines(Path.of("/proc/" + root + "/mountinfo")))
        .filteredOn(line -> line.contains(" /sys/fs/cgroup/") && line.contains(" - cgroup "))
        .isNotEmpty()
        .allMatch(line -> line.split(" ", -1)[3].equals("/longshore-test/" + container.id()));
    assertThat(Files.readAllLines(Path.of("/proc/" + root + "/cgroup")))
        .filteredOn(line -> line.contains("pids") || line.contains("memory"))
        .isNotEmpty()
        .allMatch(line -> line.endsWith("/longshore-test/" + container.id()));
    // Neither runc nor its stand-in for CRIU.
    for (Path cgroup : container.cgroups()) {
      assertThat(Files.readAllLines(cgroup.resolve("cgroup.procs")))
          .doesNotContain("" + runcPid(), "" + standInPid());
    }
  }

  @Test
  void anAbortWhileItIsHeldLeavesNothing() throws Exception {
    RuncRestore standing = prepare();
    standing.held(hold(standing));

    held().abort(PATIENCE);

    assertThat(standing.abort("the migration was aborted")).isEmpty();
    assertNothingIsLeft();
  }

  @Test
  void anAbortBeforeTheRestoreLeavesNothing() throws Exception {
    RuncRestore standing = prepare();
    assertThat(container.cgroups()).isNotEmpty();

    assertThat(standing.abort("the migration was aborted")).isEmpty();

    assertNothingIsLeft();
  }

  @Test
  void aRuncThatIsKilledBeforeTheRestoreIsCleanedUpAfter() throws Exception {
    List<String> files = container.rootFiles();
    RuncRestore standing = prepare();

    kill(runcPid());

    assertThatThrownBy(() -> standing.place(Optional.empty()))
        .isInstanceOfSatisfying(
            LongshoreException.class,
            failure -> assertThat(failure.reason()).isEqualTo(Reason.RUNTIME_FAILED));
    assertThat(standing.abort("runc was killed")).isEmpty();
    assertNothingIsLeft();
    assertThat(container.rootFiles()).isEqualTo(files);
  }

  @Test
  void aRuncThatIsKilledWhileItIsHeldCanBeAborted() throws Exception {
    List<String> files = container.rootFiles();
    RuncRestore standing = prepare();
    standing.held(hold(standing));

    kill(runcPid());
    held().abort(PATIENCE);

    assertThat(standing.abort("runc was killed")).isEmpty();
    assertNothingIsLeft();
    assertThat(container.rootFiles()).isEqualTo(files);
  }

  @Test
  void theNextAgentGoesOn() throws Exception {
    int root = hold(prepare());
    // The first agent's connection stays open, as when it hangs.
    RuncRestore next =
        RuncRestore.takeUp(container.runc(), migration.path().resolve("restore"), container.id())
            .orElseThrow();

    next.held(root);
    go();

    assertThat(next.done()).isTrue();
    assertThat(container.pid()).isEqualTo(root);
    next.close();
  }

  @Test
  void withItsStandInKilledRuncForgetsItAndIsToldLate() throws Exception {
    RuncRestore standing = prepare();
    int root = hold(standing);
    standing.held(root);

    kill(standInPid());

    await().atMost(PATIENCE).until(() -> container.runc().state(container.id()).isEmpty());
    assertThat(container.cgroups()).as("they are not empty").isNotEmpty();
    go();
    assertThat(standing.done()).isFalse();
    assertThat(container.counts()).isTrue();
    RuncRestore.registerLate(
        container.runc(),
        criu,
        migration.path().resolve("late"),
        container.order(checkpoint),
        root);
    assertThat(container.pid()).isEqualTo(root);
    assertThat(container.runc().exec(container.id(), List.of("/bin/ls", "/data")))
        .contains("count");
    container.runc().kill(container.id(), "KILL");
    await().atMost(PATIENCE).until(() -> container.pid() == 0);
    container.runc().delete(container.id());
    assertNothingIsLeft();
  }

  @Test
  void withItsStandInKilledItCanBeAborted() throws Exception {
    RuncRestore standing = prepare();
    standing.held(hold(standing));

    kill(standInPid());
    held().abort(PATIENCE);

    assertThat(standing.abort("its stand-in was killed")).isEmpty();
    assertNothingIsLeft();
  }

  @Test
  void theNextAgentCanAbortWhatHasNotAskedYet() throws Exception {
    Path place = migration.path().resolve("restore");
    Path bin = Files.createDirectories(folder.resolve("late"));
    Path late = Files.writeString(bin.resolve("runc"), "#!/bin/sh\nsleep 1\nexec runc \"$@\"\n");
    Files.setPosixFilePermissions(late, PosixFilePermissions.fromString("rwx------"));
    Runc slow = new Runc(late, container.runc().root());
    Thread first =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    RuncRestore.start(slow, criu, place, container.order(checkpoint)).close();
                  } catch (IOException | InterruptedException | LongshoreException e) {
                    // Its agent is of no more interest.
                  }
                });
    await().atMost(PATIENCE).until(() -> RuncProcess.attach(place).isPresent());
    standing = RuncRestore.takeUp(container.runc(), place, container.id()).orElseThrow();

    assertThat(standing.abort("the first agent was killed")).isEmpty();

    first.join();
    assertNothingIsLeft();
  }

  @Test
  void withCriuKilledTheTreeWaitsAndCanBeAborted() throws Exception {
    RuncRestore standing = prepare();
    int root = hold(standing);
    standing.held(root);

    CriuRestore held = held();
    ProcessHandle.of(criuPid()).orElseThrow().destroyForcibly();
    held.exit().get(10, TimeUnit.SECONDS);

    assertThat(container.counts()).isFalse();
    assertThat(CriuRestore.notLetRun(migration.work())).extracting(Member::pid).contains(root);
    assertThat(container.runc().state(container.id()).orElseThrow().status())
        .isEqualTo(RuncContainer.Status.RUNNING);
    held.abort(PATIENCE);
    assertThat(standing.abort("CRIU was killed")).isEmpty();
    assertNothingIsLeft();
  }

  @Test
  void hooksRunWhenTheNamespacesAreThereAndAtTheEnd() throws Exception {
    assertThat(hooksRun()).containsExactly("prestart", "poststop");
    RuncRestore standing = prepare();
    assertThat(hooksRun()).hasSize(2);

    int root = hold(standing);

    assertThat(hooksRun()).containsExactly("prestart", "poststop", "prestart");
    standing.held(root);
    held().abort(PATIENCE);
    standing.abort("the migration was aborted");
    assertThat(hooksRun()).hasSize(4).endsWith("poststop");
  }

  @Test
  void aHookThatFailsIsTheEndOfTheRestore() throws Exception {
    RuncRestore standing = prepare();
    Files.createFile(folder.resolve("fail"));

    assertThatThrownBy(() -> hold(standing))
        .isInstanceOfSatisfying(
            LongshoreException.class,
            failure -> assertThat(failure.reason()).isEqualTo(Reason.RUNTIME_FAILED))
        .hasMessageContaining("hook");

    held().abort(PATIENCE);
    assertThat(standing.abort("a hook failed")).isEmpty();
    assertNothingIsLeft();
  }

  @Test
  void aPipeToSomethingOutsideIsReplaced() throws Exception {
    assertThat(checkpoint.descriptors()).contains("pipe:[");
    RuncRestore standing = prepare();
    int root = hold(standing);
    standing.held(root);
    go();

    assertThat(standing.done()).isTrue();
    assertThat(Files.readSymbolicLink(Path.of("/proc/" + root + "/fd/1"))).hasToString("/dev/null");
    assertThat(container.counts()).isTrue();
  }

  @Test
  void whoDeletesItWhileItIsPreparedCostsNoFileOfTheRoot() throws Exception {
    List<String> files = container.rootFiles();
    RuncRestore standing = prepare();

    container.runc().deleteForcibly(container.id());

    assertThat(container.rootFiles()).isEqualTo(files);
    assertThatThrownBy(() -> hold(standing)).isInstanceOf(IOException.class);
    assertThat(standing.abort("it was deleted")).isEmpty();
    assertNothingIsLeft();
    assertThat(container.rootFiles()).isEqualTo(files);
  }

  @Test
  void aNameThatIsTakenIsRefusedInRuncsWords() throws Exception {
    RuncRestore standing = prepare();
    standing.held(hold(standing));
    go();
    assertThat(standing.done()).isTrue();

    assertThatThrownBy(
            () ->
                RuncRestore.start(
                    container.runc(),
                    criu,
                    migration.path().resolve("second"),
                    container.order(checkpoint)))
        .isInstanceOfSatisfying(
            LongshoreException.class,
            failure -> assertThat(failure.reason()).isEqualTo(Reason.RUNTIME_FAILED))
        .hasMessageContaining("exist");
    assertThat(container.counts()).isTrue();
    assertThat(container.pid()).isNotZero();
  }

  /** Two that say that they ran; the first fails if it is told to. */
  private JsonObject hooks() {
    return JsonParser.parseString(
            """
            {"prestart": [{"path": "/bin/sh", "args":
                ["sh", "-c", "echo prestart >>%1$s/hooks; test ! -e %1$s/fail"]}],
             "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", "echo poststop >>%1$s/hooks"]}]}
            """
                .formatted(folder))
        .getAsJsonObject();
  }

  private List<String> hooksRun() throws Exception {
    return Files.readAllLines(folder.resolve("hooks"));
  }

  private RuncRestore prepare() throws Exception {
    standing =
        RuncRestore.start(
            container.runc(),
            criu,
            migration.path().resolve("restore"),
            container.order(checkpoint));
    return standing;
  }

  private int hold(RuncRestore standing) throws Exception {
    restore =
        CriuRestore.start(
            criu,
            RestoreOptions.eager(migration.images(), migration.work())
                .in(standing.place(Optional.empty())));
    int root = restore.awaitNamespaces(PATIENCE);
    standing.namespacesMade(root);
    restore.goOn();
    assertThat(restore.awaitHeld(PATIENCE)).isEqualTo(root);
    return root;
  }

  private CriuRestore held() {
    return Objects.requireNonNull(restore);
  }

  private void go() throws Exception {
    CriuRestore held = held();
    held.go();
    assertThat(held.awaitExit(PATIENCE)).contains(0);
  }

  private int runcPid() throws Exception {
    return Integer.parseInt(
        Files.readString(migration.path().resolve("restore/runc")).split(" ", -1)[0]);
  }

  private int standInPid() throws Exception {
    return (int)
        ProcessHandle.of(runcPid()).orElseThrow().children().findFirst().orElseThrow().pid();
  }

  /** By its command line. */
  private long criuPid() {
    return ProcessHandle.current()
        .children()
        .filter(
            child -> {
              try {
                return Files.readString(Path.of("/proc/" + child.pid() + "/cmdline"))
                    .contains("--restore-detached");
              } catch (IOException e) {
                return false;
              }
            })
        .findFirst()
        .orElseThrow()
        .pid();
  }

  private static void kill(int pid) throws Exception {
    Member member = Member.of(pid);
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    await().atMost(PATIENCE).until(() -> !member.isAlive());
  }

  private void assertNothingIsLeft() throws Exception {
    assertThat(container.runc().stateFolder(container.id())).doesNotExist();
    assertThat(container.cgroups()).isEmpty();
    assertThat(Files.readString(Path.of("/proc/self/mountinfo"))).doesNotContain(folder.toString());
  }
}
