package io.longshore.agent.files;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.agent.files.ConfinedProgram.View;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class ConfinedProgramTest {
  @TempDir private Path folder;
  private Path tree;
  private Path outside;
  private ConfinedProgram confined;

  @BeforeEach
  void makeTree() throws Exception {
    tree = Files.createDirectory(folder.resolve("tree"));
    outside = Files.writeString(folder.resolve("outside"), "secret");
    confined = new ConfinedProgram(folder.resolve("agent"));
  }

  @Test
  void seesTheTreeAndNothingElse() throws Exception {
    Files.writeString(tree.resolve("inside"), "content");
    Files.createSymbolicLink(tree.resolve("out"), outside);
    assertThat(run(reading(), "cat inside; cat out ../outside %s".formatted(outside)))
        .startsWith("content")
        .doesNotContain("secret");
    assertThat(run(reading(), "ls /").lines())
        .contains("files", "usr")
        .doesNotContain("etc", "proc", "dev", "tmp");
  }

  @Test
  void changesTheTreeAloneAndOnlyIfItMay() throws Exception {
    assertThat(
            run(writing(), "echo new > file; echo x > /usr/file; echo x > /file; chown 5:6 file"))
        .contains("/usr/file: Read-only file system", "/file: Read-only file system");
    assertThat(tree.resolve("file")).hasContent("new");
    assertThat(Files.getAttribute(tree.resolve("file"), "unix:uid")).isEqualTo(5);
    assertThat(run(reading(), "echo other > file")).contains("Read-only file system");
    assertThat(tree.resolve("file")).hasContent("new");
  }

  @Test
  void makesADeviceAndCannotOpenIt() throws Exception {
    assertThat(run(writing(), "mknod device c 1 5; head -c 1 device"))
        .contains("Permission denied");
    assertThat(tree.resolve("device")).exists();
    assertThat(run(writing(), "mount -t tmpfs none /files; cp /bin/true true; ./true"))
        .contains("denied");
  }

  @Test
  void hasNoNetworkAndSeesNoOtherProcess() throws Exception {
    assertThat(
            run(
                reading(),
                "bash -c 'echo $$; kill -0 %d; echo > /dev/tcp/127.0.0.1/1'"
                    .formatted(ProcessHandle.current().pid())))
        .contains("No such process", "/dev/tcp/127.0.0.1/1");
  }

  @Test
  void diesWithTheProcessThatStandsForIt() throws Exception {
    Path lock = folder.resolve("lock");
    Process process =
        ConfinedProgram.start(
            confined.command(
                View.toChange(tree, lock), List.of("sh", "-c", "touch begun; sleep 50; true")));
    Awaitility.await().until(() -> Files.exists(tree.resolve("begun")));
    assertThat(run(View.toChange(tree, lock), "echo ran")).contains("another program works");
    process.destroyForcibly().waitFor();
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(
            () -> assertThat(run(View.toChange(tree, lock), "echo ran")).isEqualTo("ran\n"));
  }

  @Test
  void saysWhatItCannotFind() throws Exception {
    assertThat(run(View.of(folder.resolve("nowhere"), OptionalInt.empty()), "true"))
        .contains("open_tree(", "nowhere", "No such file or directory");
  }

  private View reading() {
    return View.of(tree, OptionalInt.empty());
  }

  private View writing() {
    return View.toChange(tree, folder.resolve("lock"));
  }

  private String run(View view, String script) throws Exception {
    Process process =
        ConfinedProgram.start(
            confined.command(view, List.of("sh", "-c", script)).redirectErrorStream(true));
    process.getOutputStream().close();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    process.waitFor();
    return output;
  }
}
