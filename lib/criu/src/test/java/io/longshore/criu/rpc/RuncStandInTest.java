package io.longshore.criu.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.criu.run.Criu;
import io.longshore.criu.run.Crius;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The stand-in for CRIU with a program that takes runc's part: what may come, and what may not. */
class RuncStandInTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int DUMP = 1;
  private static final int RESTORE = 2;

  /** {@code type: NOTIFY, notify_success: true}. */
  private static final String TAKEN = "08061801";

  @TempDir Path folder;
  private RuncStandIn standIn;
  private final List<RuncsPart> runcs = new ArrayList<>();

  @BeforeEach
  void prepare() throws Exception {
    standIn = RuncStandIn.prepare(folder.resolve("stand-in"));
  }

  @AfterEach
  void end() throws Exception {
    standIn.close();
    for (RuncsPart runc : runcs) {
      runc.kill();
    }
  }

  @Test
  void aRequestIsTakenDownAndAnswered() throws Exception {
    start(DUMP);

    CriuRequest request = standIn.awaitRequest(() -> true, PATIENCE);

    assertThat(request.pid()).isEqualTo(4711);
    assertThat(standIn.state().type()).isEqualTo(CriuRequest.Type.DUMP);
    assertThat(standIn.state().told()).isEmpty();
    standIn.done();
    assertThat(ask("receive")).isEqualTo("08011001");
    assertThat(ask("wait")).isEqualTo("0");
  }

  @Test
  void anyOtherRequestIsGivenToTheRealCriu() throws Exception {
    // type: VERSION, which CRIU answers with type and success first.
    start(RequestBytes.message(request -> request.number(1, 10)));

    assertThat(ask("receive")).startsWith("080a1001");
    assertThat(standIn.hasRequest()).isFalse();
  }

  @Test
  void noRequestAtAllIsGivenToTheRealCriuToo() throws Exception {
    start(new byte[] {(byte) 0xff, (byte) 0xff, 3});

    assertThat(ask("wait")).isNotEqualTo("0");
    assertThat(standIn.hasRequest()).isFalse();
    assertThatThrownBy(() -> standIn.awaitRequest(() -> false, PATIENCE))
        .isInstanceOf(EOFException.class);
  }

  @Test
  void runcIsToldAndItsAnswerAwaited() throws Exception {
    start(RESTORE);
    standIn.awaitRequest(() -> true, PATIENCE);

    CompletableFuture<Void> told = tell(RuncStandIn.POST_RESTORE, 882);

    // type: NOTIFY, success, notify { script: "post-restore", pid: 882 }
    assertThat(ask("receive")).isEqualTo("080610012a110a0c" + hex("post-restore") + "10f206");
    assertThat(told).isNotDone();
    ask("send " + TAKEN);
    told.get(10, TimeUnit.SECONDS);
    assertThat(standIn.state().told()).contains(RuncStandIn.POST_RESTORE);
    assertThat(standIn.state().root()).isEqualTo(882);
    standIn.done();
    // type: RESTORE, success, restore { pid: 882 }
    assertThat(ask("receive")).isEqualTo("08021001220308f206");
    assertThat(ask("wait")).isEqualTo("0");
  }

  @Test
  void aRestoreIsNotDoneBeforeRuncKnowsOfIt() throws Exception {
    start(RESTORE);
    standIn.awaitRequest(() -> true, PATIENCE);

    assertThatThrownBy(() -> standIn.done()).hasMessageContaining("post-restore");

    assertThat(standIn.state().type()).isEqualTo(CriuRequest.Type.RESTORE);
  }

  @Test
  void aFailureIsToldAndItEnds() throws Exception {
    start(RESTORE);
    standIn.awaitRequest(() -> true, PATIENCE);

    standIn.fail("the source\nis gone: " + "ü".repeat(400));

    assertThat(ask("receive")).startsWith("080210003805");
    assertThat(ask("wait")).isEqualTo("1");
    standIn.fail("once more");
    assertThat(RuncStandIn.attach(folder.resolve("stand-in"))).isEmpty();
  }

  @Test
  void itEndsWithRunc() throws Exception {
    start(RESTORE);
    standIn.awaitRequest(() -> true, PATIENCE);
    CompletableFuture<Void> told = tell(RuncStandIn.SETUP_NAMESPACES, 882);
    assertThat(ask("receive")).startsWith("0806");

    ask("close");

    assertThatThrownBy(() -> told.get(10, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(EOFException.class);
    assertThat(ask("wait")).isEqualTo("1");
  }

  @Test
  void aNotificationThatRuncDoesNotTakeIsAnError() throws Exception {
    start(RESTORE);
    standIn.awaitRequest(() -> true, PATIENCE);
    CompletableFuture<Void> told = tell(RuncStandIn.SETUP_NAMESPACES, 882);
    ask("receive");

    ask("send 08061800");

    assertThatThrownBy(() -> told.get(10, TimeUnit.SECONDS))
        .hasMessageContaining("did not take the notification setup-namespaces");
    assertThat(standIn.state().told()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {TAKEN, "08021001", "ffffff", "00"})
  void whatRuncWasNotAskedForEndsIt(String message) throws Exception {
    start(RESTORE);
    standIn.awaitRequest(() -> true, PATIENCE);

    ask("send " + message);

    assertThat(ask("receive")).startsWith("080210003805");
    assertThat(ask("wait")).isEqualTo("1");
    assertThat(folder.resolve("stand-in/exchange/error")).content().contains("was not asked for");
  }

  @Test
  void theLastAgentGivesTheOrders() throws Exception {
    start(RESTORE);
    standIn.awaitRequest(() -> true, PATIENCE);
    CompletableFuture<Void> told = tell(RuncStandIn.SETUP_NAMESPACES, 882);
    ask("receive");

    try (RuncStandIn next = RuncStandIn.attach(folder.resolve("stand-in")).orElseThrow()) {
      CompletableFuture<RuncStandIn.State> state =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return next.state();
                } catch (IOException e) {
                  throw new IllegalStateException(e);
                }
              });
      assertThatThrownBy(() -> told.get(10, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class);
      ask("send " + TAKEN);
      // It is not given the answer that the first one waited for.
      assertThat(state.get(10, TimeUnit.SECONDS).told()).contains(RuncStandIn.SETUP_NAMESPACES);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "nonsense",
        "notify",
        "notify post-restore",
        "notify post-restore 0",
        "notify post-restore -5",
        "notify post-restore 99999999999",
        "notify Post\tRestore 5",
        "notify aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 5",
        "notify post-restore 5 6",
        "done now",
        "fail"
      })
  void anOrderThatIsNoneChangesNothing(String order) throws Exception {
    start(RESTORE);
    standIn.awaitRequest(() -> true, PATIENCE);
    try (OrderSocket agent = OrderSocket.connect(socket())) {
      assertThat(agent.ask(order, PATIENCE)).isEqualTo("no such order");
    }
    assertThat(standIn.state().told()).isEmpty();
  }

  @Test
  void anOrderThatIsTooLongEndsTheConnectionOnly() throws Exception {
    start(RESTORE);
    standIn.awaitRequest(() -> true, PATIENCE);
    try (OrderSocket agent = OrderSocket.connect(socket())) {
      assertThat(agent.ask("fail " + "x".repeat(1000), PATIENCE))
          .isEqualTo("no order is that long");
      assertThatThrownBy(() -> agent.ask("state", PATIENCE)).isInstanceOf(EOFException.class);
    }
    assertThat(standIn.state().told()).isEmpty();
  }

  @Test
  void aSecondRequestInOneFolderIsRefused() throws Exception {
    start(RESTORE);
    standIn.awaitRequest(() -> true, PATIENCE);

    start(RESTORE);

    assertThat(ask("receive")).startsWith("08021000");
    assertThat(standIn.state().type()).isEqualTo(CriuRequest.Type.RESTORE);
  }

  @Test
  void theLauncherGivesDescriptorsAndBecomesTheProgram() throws Exception {
    Path launcher = folder.resolve("stand-in/launcher");
    Path file = Files.writeString(folder.resolve("file"), "some content");
    Process process =
        new ProcessBuilder(
                launcher.toString(),
                "--mount-namespace",
                "/proc/self/ns/mnt",
                "--cgroups",
                "/proc/self/cgroup",
                "--descriptor",
                "17=" + file,
                "--descriptor",
                "18=%d:0".formatted(ProcessHandle.current().pid()),
                "--",
                "/bin/sh",
                "-c",
                "echo $$; cat /proc/$$/fd/17; readlink /proc/$$/fd/18")
            .start();

    List<String> lines = process.inputReader().lines().toList();

    assertThat(lines.getFirst()).isEqualTo("" + process.pid());
    assertThat(lines.get(1))
        .isEqualTo("some content" + Files.readSymbolicLink(Path.of("/proc/self/fd/0")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--mount-namespace /nonsense -- true",
        "--cgroups /nonsense -- true",
        "--cgroups /dev/urandom -- true",
        "--descriptor 17 -- true",
        "--descriptor 17=nonsense -- true",
        "--descriptor 4711=/dev/null -- true",
        "--descriptor 17=/nonsense -- true",
        "--descriptor 17=1:-1 -- true",
        "--nonsense -- true",
        "--",
        "-- /nonsense"
      })
  void theLauncherStartsNothingIfItCannotDoAll(String arguments) throws Exception {
    Process process =
        new ProcessBuilder(
                "sh",
                "-c",
                "exec \"$0\" " + arguments,
                folder.resolve("stand-in/launcher").toString())
            .start();

    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(125);
    assertThat(process.errorReader().lines()).isNotEmpty();
  }

  private CompletableFuture<Void> tell(String notification, int root) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            standIn.tell(notification, root, PATIENCE);
          } catch (IOException e) {
            throw new CompletionException(e);
          }
        });
  }

  private void start(int type) throws Exception {
    start(RequestBytes.request(type, options -> options.number(2, 4711)));
  }

  private void start(byte[] request) throws Exception {
    Criu criu = Crius.both().toList().getLast();
    runcs.add(
        RuncsPart.start(
            folder, folder.resolve("stand-in/bin/criu"), standIn.environment(criu), request));
  }

  private String ask(String order) throws Exception {
    return runcs.getLast().ask(order);
  }

  private Path socket() {
    return folder.resolve("stand-in/exchange/socket");
  }

  private static String hex(String text) {
    return HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
  }
}
