package io.longshore.target.files;

import static io.longshore.target.files.TreeComparison.describe;
import static io.longshore.target.files.TreeComparison.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.longshore.agent.files.Rsync;
import io.longshore.agent.files.Selection;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.Destination;
import io.longshore.platform.rpc.StatusMapper;
import io.longshore.source.files.FileLink;
import io.longshore.source.files.FilePasses.Limits;
import io.longshore.source.files.FileTree;
import io.longshore.source.rpc.FileStreams;
import io.longshore.transfer.v1.StreamOpen;
import io.longshore.transfer.v1.SyncFilesRequest;
import io.longshore.transfer.v1.SyncFilesResponse;
import io.longshore.transfer.v1.SyncFilesStart;
import io.longshore.transfer.v1.TransferServiceGrpc;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A source that is not what it should be, that goes away, or that brings too much. */
@Timeout(60)
final class HostileFilesTest {
  private static final Limits ONE = new Limits(Duration.ofDays(1), 0, 1);

  @TempDir private Path folder;
  private Path from;
  private Path to;
  private Wire wire;

  @BeforeEach
  void start() throws Exception {
    from = Files.createDirectory(folder.resolve("from"));
    to = folder.resolve("to");
    wire = new Wire(folder.resolve("agents"));
    wire.files.prepare(Wire.REF, List.of(new IncomingTree(1, to, 0)));
  }

  @AfterEach
  void stop() throws Exception {
    wire.stop();
  }

  @Test
  void refusesAWrongSecretAndATreeThatIsNotToCome() throws Exception {
    Files.writeString(from.resolve("file"), "content");
    FileStreams other = wire.streams(new byte[32]);
    try {
      assertThat(
              reasonOf(
                  () ->
                      wire.passes(FileTree.ofHost(1, from), other)
                          .copyWhileRunning(ONE, List.of())))
          .isEqualTo(Reason.WRONG_SECRET);
    } finally {
      other.close();
    }
    assertThat(reasonOf(() -> wire.passes(2, from).copyWhileRunning(ONE, List.of())))
        .isEqualTo(Reason.NOT_FOUND);
    assertThat(to).isEmptyDirectory();
    stillTakesAGoodPass();
  }

  @Test
  void refusesMessagesOutOfOrder() throws Exception {
    SyncFilesRequest data = data(new byte[10]);
    SyncFilesRequest first = first();
    for (List<SyncFilesRequest> messages :
        List.of(
            List.of(data),
            List.of(first.toBuilder().clearOpen().build()),
            List.of(first.toBuilder().clearStart().build()),
            List.of(first.toBuilder().setData(data.getData()).build()),
            List.of(first, first),
            List.of(first, SyncFilesRequest.getDefaultInstance()),
            List.of(first, data(new byte[(256 << 10) + 1])))) {
      assertThat(endOf(requests -> messages.forEach(requests::onNext)))
          .as("%s", messages.size())
          .isEqualTo(Reason.MALFORMED_STREAM);
    }
    assertThat(endOf(StreamObserver::onCompleted)).isEqualTo(Reason.MALFORMED_STREAM);
    stillTakesAGoodPass();
  }

  @Test
  void garbageEndsTheSessionAndLeavesNothing() throws Exception {
    Random random = new Random(5);
    for (int i = 0; i < 5; i++) {
      byte[] garbage = new byte[100_000];
      random.nextBytes(garbage);
      // As a client that rsync understands at first.
      boolean greets = i % 2 == 1;
      assertThat(
              endOf(
                  requests -> {
                    requests.onNext(first());
                    if (greets) {
                      requests.onNext(data(new byte[] {31, 0, 0, 0}));
                    }
                    requests.onNext(data(garbage));
                    requests.onCompleted();
                  }))
          .isEqualTo(Reason.FILES_FAILED);
    }
    assertThat(to).isEmptyDirectory();
    stillTakesAGoodPass();
  }

  @Test
  void aLinkThatCameLeadsNowhere() throws Exception {
    Path victim = Files.createDirectory(folder.resolve("victim"));
    Files.createSymbolicLink(from.resolve("out"), victim);
    Files.createSymbolicLink(from.resolve("up"), Path.of("../victim"));
    wire.passes(1, from).copyWhileRunning(ONE, List.of());
    assertThat(Files.readSymbolicLink(to.resolve("out"))).isEqualTo(victim);
    for (String name : List.of("out", "up")) {
      Files.delete(from.resolve(name));
      Files.writeString(Files.createDirectory(from.resolve(name)).resolve("evil"), "evil");
    }
    Path names = Files.writeString(folder.resolve("names"), "out/evil\0up/evil\0");
    // It leaves the links that are there as they are, and goes through them.
    List<String> hostile = new ArrayList<>(Rsync.sender(Selection.CHOSEN, "BRIDGE"));
    hostile.add(1, "--no-implied-dirs");
    // A new rsync does not go through them by itself; ConfinedProgramTest has the walls without it.
    hostileSession(hostile, names);
    assertThat(victim).isEmptyDirectory();
  }

  @Test
  void anRsyncWhoseSourceGoesAwayEndsAndTheNextPassGoesOn() throws Exception {
    byte[] content = new byte[32 << 20];
    new Random(3).nextBytes(content);
    Files.write(from.resolve("large"), content);
    Thread source =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    wire.passes(1, from).copyWhileRunning(ONE, List.of());
                  } catch (IOException | InterruptedException | LongshoreException e) {
                    // Was ended.
                  }
                });
    await().until(() -> !Destinations.isEmpty(to));
    source.interrupt();
    source.join();
    TreeLock lock = wire.files.lock(Wire.REF, 1);
    lock.awaitFree();
    assertThat(rsyncs(lock)).isEmpty();
    stillTakesAGoodPass();
  }

  @Test
  void whatFailsAtTheSourceIsToldInItsOwnWords() throws Exception {
    assertThatThrownBy(
            () -> wire.passes(1, from.resolve("nowhere")).copyWhileRunning(ONE, List.of()))
        .isInstanceOfSatisfying(
            LongshoreException.class, e -> assertThat(e.reason()).isEqualTo(Reason.FILES_FAILED))
        .hasMessageContainingAll("nowhere", "No such file or directory");
    stillTakesAGoodPass();
  }

  @Test
  void aDiskThatBecomesFullIsToldAndWhatCameCanBeRemoved() throws Exception {
    Path small = Files.createDirectory(folder.resolve("small"));
    run(small, "mount", "-t", "tmpfs", "-o", "size=8m", "none", small.toString());
    try {
      wire.files.remove("m-1");
      wire.files.prepare(Wire.REF, List.of(new IncomingTree(1, small.resolve("to"), 0)));
      for (int i = 0; i < 20; i++) {
        byte[] content = new byte[1 << 20];
        new Random(i).nextBytes(content);
        Files.write(from.resolve("f" + i), content);
      }
      assertThat(reasonOf(() -> wire.passes(1, from).copyWhileRunning(ONE, List.of())))
          .isEqualTo(Reason.DISK_FULL);
      wire.files.remove("m-1");
      assertThat(small).isEmptyDirectory();
    } finally {
      run(folder, "umount", small.toString());
    }
  }

  private void stillTakesAGoodPass() throws Exception {
    Files.writeString(from.resolve("good"), "good");
    wire.passes(1, from).copyWhileRunning(ONE, List.of());
    assertThat(describe(to)).isEqualTo(describe(from));
  }

  private static List<String> rsyncs(TreeLock lock) throws Exception {
    return run(Path.of("/"), "ps", "-eo", "args")
        .lines()
        .filter(line -> line.contains(lock.path().toString()))
        .toList();
  }

  /** A sender of its own, whose bytes go over a real stream. */
  private void hostileSession(List<String> sender, Path names) throws Exception {
    Path in = folder.resolve("in");
    Path out = folder.resolve("out");
    run(folder, "mkfifo", in.toString(), out.toString());
    Process process =
        sender(sender, script("exec 3<&0; cat <&3 >%s & exec cat <%s".formatted(out, in)), names);
    FileStreams streams = wire.streams(wire.secret);
    try {
      FileLink.Session session = streams.open(1, Selection.CHOSEN);
      Thread there =
          Thread.ofPlatform()
              .start(
                  () -> {
                    byte[] buffer = new byte[10_000];
                    try (InputStream said = Files.newInputStream(out)) {
                      for (int read = said.read(buffer); read >= 0; read = said.read(buffer)) {
                        boolean _ = session.send(buffer, read);
                      }
                      session.finish();
                    } catch (IOException | InterruptedException e) {
                      session.cancel();
                    }
                  });
      try (OutputStream answers = Files.newOutputStream(in)) {
        for (byte[] data = session.receive(); data != null; data = session.receive()) {
          answers.write(data);
        }
      } catch (LongshoreException e) {
        assertThat(e.reason()).isEqualTo(Reason.FILES_FAILED);
      }
      there.join();
    } finally {
      streams.close();
      process.destroyForcibly().waitFor();
    }
  }

  private Process sender(List<String> command, Path bridge, Path names) throws IOException {
    return new ProcessBuilder(
            command.stream().map(word -> word.replace("BRIDGE", bridge.toString())).toList())
        .directory(from.toFile())
        .redirectInput(names.toFile())
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("output").toFile())
        .start();
  }

  private Path script(String line) throws Exception {
    Path script =
        Files.writeString(Files.createTempFile(folder, "bridge", ""), "#!/bin/sh\n" + line + "\n");
    run(folder, "chmod", "700", script.toString());
    return script;
  }

  private SyncFilesRequest first() {
    return SyncFilesRequest.newBuilder()
        .setOpen(
            StreamOpen.newBuilder()
                .setMigrationId("m-1")
                .setEpoch(3)
                .setSecret(ByteString.copyFrom(wire.secret)))
        .setStart(
            SyncFilesStart.newBuilder()
                .setTree(1)
                .setSelection(SyncFilesStart.Selection.SELECTION_WHOLE))
        .build();
  }

  private static SyncFilesRequest data(byte[] bytes) {
    return SyncFilesRequest.newBuilder().setData(ByteString.copyFrom(bytes)).build();
  }

  private Reason endOf(Consumer<StreamObserver<SyncFilesRequest>> conversation) throws Exception {
    CompletableFuture<Reason> end = new CompletableFuture<>();
    ManagedChannel channel =
        wire.channels.open(Destination.targetAgent(wire.server.address()), "hostile");
    try {
      conversation.accept(
          TransferServiceGrpc.newStub(channel)
              .syncFiles(
                  new StreamObserver<SyncFilesResponse>() {
                    @Override
                    public void onNext(SyncFilesResponse response) {}

                    @Override
                    public void onError(Throwable failure) {
                      end.complete(
                          StatusMapper.fromStatus((StatusRuntimeException) failure).reason());
                    }

                    @Override
                    public void onCompleted() {
                      end.completeExceptionally(new IllegalStateException("it ended well"));
                    }
                  }));
      return end.get(20, TimeUnit.SECONDS);
    } finally {
      channel.shutdownNow();
    }
  }

  private interface Attempt {
    void run() throws Exception;
  }

  private static Reason reasonOf(Attempt attempt) {
    try {
      attempt.run();
    } catch (LongshoreException e) {
      return e.reason();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
    throw new AssertionError("it was not refused");
  }
}
