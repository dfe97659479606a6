package io.longshore.target.files;

import static io.longshore.target.files.TreeComparison.describe;
import static io.longshore.target.files.TreeComparison.run;
import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.source.files.FileNeeds;
import io.longshore.source.files.FilePass;
import io.longshore.source.files.FilePasses;
import io.longshore.source.files.FilePasses.Limits;
import io.longshore.source.files.FileTree;
import java.io.RandomAccessFile;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real rsync, over real streams on a real port, from one tree of this host to another. */
@Timeout(30)
final class FilePassesTest {
  private static final Limits ONE = new Limits(Duration.ofDays(1), 0, 1);

  @TempDir private Path folder;
  private Path from;
  private Path to;
  private Wire wire;
  private FilePasses passes;

  @BeforeEach
  void start() throws Exception {
    from = Files.createDirectory(folder.resolve("from"));
    to = folder.resolve("made/for/it");
    wire = new Wire(folder.resolve("agents"));
    wire.files.prepare(Wire.REF, List.of(new IncomingTree(1, to, 0)));
    passes = wire.passes(1, from);
  }

  @AfterEach
  void stop() throws Exception {
    wire.stop();
  }

  @Test
  void copiesAllKindsOfFilesWithAllThatTheyHave() throws Exception {
    makeEverything();
    passes.copyWhileRunning(ONE, List.of());
    assertThat(describe(to)).isEqualTo(describe(from)).hasSizeGreaterThan(20);
    assertThat(blocks(to.resolve("sparse"))).isLessThan(64);
    FilePass last = passes.copyFrozen(List.of());
    assertThat(describe(to)).isEqualTo(describe(from));
    assertThat(last.duration()).isLessThan(Duration.ofSeconds(20));
  }

  @Test
  void aLaterPassFollowsWhateverChanged() throws Exception {
    makeEverything();
    passes.copyWhileRunning(ONE, List.of());
    Files.writeString(from.resolve("plain"), "longer than it was before");
    Files.delete(from.resolve("other-owner"));
    run(from, "rm", "-r", "folder");
    Files.writeString(from.resolve("folder"), "a file where a folder was");
    Files.delete(from.resolve("named"));
    Files.createDirectories(from.resolve("named/below"));
    Files.writeString(from.resolve("named/below/new"), "new");
    Files.delete(from.resolve("fifo"));
    Files.createSymbolicLink(from.resolve("fifo"), Path.of("/etc/passwd"));
    run(from, "chmod", "4711", "attributes");
    run(from, "setfattr", "-x", "user.colour", "attributes");
    run(from, "mv", "sparse", "moved");
    run(from, "ln", "moved", "second name");
    run(from, "setfacl", "-b", "acl");
    passes.copyFrozen(List.of());
    assertThat(describe(to)).isEqualTo(describe(from));
  }

  @Test
  void findsAWriteThatLeftSizeAndTimeAsTheyWere() throws Exception {
    Path file = Files.writeString(from.resolve("file"), "before");
    FileTime time = Files.getLastModifiedTime(file);
    passes.copyWhileRunning(ONE, List.of());
    Files.writeString(file, "behind");
    Files.setLastModifiedTime(file, time);
    FilePass last = passes.copyFrozen(List.of());
    assertThat(last.comparedFiles()).isEqualTo(1);
    assertThat(to.resolve("file")).hasContent("behind");
    assertThat(describe(to)).isEqualTo(describe(from));
  }

  @Test
  void findsWhatWasWrittenThroughAMapping() throws Exception {
    writeThroughAMapping(from);
  }

  @Test
  void findsWhatWasWrittenThroughAMappingOfTmpfsWhichTellsOfNone() throws Exception {
    Path inMemory = Files.createTempDirectory(Path.of("/dev/shm"), "files");
    try {
      passes = wire.passes(1, inMemory);
      writeThroughAMapping(inMemory);
    } finally {
      Files.delete(inMemory.resolve("mapped"));
      Files.delete(inMemory);
    }
  }

  private void writeThroughAMapping(Path tree) throws Exception {
    Path file = tree.resolve("mapped");
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      MappedByteBuffer memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20);
      memory.put(5000, (byte) 1);
      // Longer ago than what counts as written since a pass began.
      Thread.sleep(300);
      passes.copyWhileRunning(ONE, List.of());
      memory.put(5000, (byte) 2);
      FilePass last = passes.copyFrozen(List.of((int) ProcessHandle.current().pid()));
      assertThat(last.comparedFiles()).isEqualTo(1);
      assertThat(describe(to)).isEqualTo(describe(tree));
      assertThat(memory.get(5000)).isEqualTo((byte) 2);
    }
  }

  @Test
  void tellsLinksThatWerePartedFromThoseThatWereNot() throws Exception {
    Path one = Files.writeString(from.resolve("one"), "the same");
    Path two = Files.createLink(from.resolve("two"), one);
    Files.createLink(from.resolve("three"), one);
    passes.copyWhileRunning(ONE, List.of());
    Path parted = Files.copy(two, from.resolve("copy"), StandardCopyOption.COPY_ATTRIBUTES);
    Files.move(parted, two, StandardCopyOption.REPLACE_EXISTING);
    passes.copyFrozen(List.of());
    assertThat(describe(to)).isEqualTo(describe(from));
    assertThat(Files.isSameFile(to.resolve("one"), to.resolve("two"))).isFalse();
    assertThat(Files.isSameFile(to.resolve("one"), to.resolve("three"))).isTrue();
  }

  @Test
  void sendsLittleForASmallChangeOfALargeFile() throws Exception {
    byte[] content = new byte[48 << 20];
    new Random(7).nextBytes(content);
    Path file = Files.write(from.resolve("large"), content);
    passes.copyWhileRunning(ONE, List.of());
    try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
      open.seek(20_000_000);
      open.write(new byte[100]);
    }
    FilePass last = passes.copyFrozen(List.of());
    assertThat(last.sentBytes()).isLessThan(200_000);
    assertThat(last.transferredFiles()).isEqualTo(1);
    assertThat(describe(to)).isEqualTo(describe(from));
  }

  @Test
  void copesWithAWorkloadThatWritesMovesAndRemovesMeanwhile() throws Exception {
    for (int i = 0; i < 300; i++) {
      Files.write(Files.createDirectories(from.resolve("d" + i % 10)).resolve("f" + i), bytes(i));
    }
    AtomicBoolean stop = new AtomicBoolean();
    Thread writer = Thread.ofPlatform().start(() -> churn(stop));
    List<FilePass> done;
    try {
      done = passes.copyWhileRunning(new Limits(Duration.ofMillis(1), 10, 5), List.of());
    } finally {
      stop.set(true);
      writer.join();
    }
    passes.copyFrozen(List.of());
    assertThat(done).hasSize(5);
    assertThat(describe(to)).isEqualTo(describe(from));
  }

  private void churn(AtomicBoolean stop) {
    Random random = new Random(11);
    for (int i = 0; !stop.get(); i++) {
      Path file = from.resolve("d" + random.nextInt(10)).resolve("f" + random.nextInt(300));
      try {
        switch (random.nextInt(4)) {
          case 0 -> Files.deleteIfExists(file);
          case 1 -> {
            if (Files.exists(file)) {
              Files.move(
                  file, file.resolveSibling("moved" + i % 50), StandardCopyOption.REPLACE_EXISTING);
            }
          }
          case 2 -> Files.write(file, bytes(i));
          default -> {
            if (Files.exists(file)) {
              try (FileChannel open = FileChannel.open(file, StandardOpenOption.WRITE)) {
                open.write(ByteBuffer.wrap(new byte[] {(byte) i}), 10);
              }
            }
          }
        }
        Thread.sleep(0, 200_000);
      } catch (java.io.IOException e) {
        throw new java.io.UncheckedIOException(e);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  @Test
  void copiesNamesThatAreNoText() throws Exception {
    run(
        from,
        "bash",
        "-c",
        "echo 1 > $'new\\nline'; echo 2 > $'\\xff\\xfe'; echo 3 > '#x'; echo 4 > '-n'");
    passes.copyWhileRunning(ONE, List.of());
    run(from, "bash", "-c", "for f in *; do echo 5 > \"./$f\"; done");
    passes.copyFrozen(List.of());
    assertThat(run(to, "bash", "-c", "ls -b; cat ./*"))
        .isEqualTo(run(from, "bash", "-c", "ls -b; cat ./*"));
  }

  @Test
  void leavesOutWhatIsMountedInTheTree() throws Exception {
    // In a mount namespace of its own, as a container's.
    Files.createDirectory(from.resolve("volume"));
    Files.writeString(from.resolve("over"), "hidden");
    Process holder =
        new ProcessBuilder(
                "unshare",
                "--mount",
                "bash",
                "-c",
                "mount -t tmpfs none volume; echo no > volume/file; mount --bind /etc/hostname over; echo; exec sleep 60")
            .directory(from.toFile())
            .start();
    try {
      assertThat(holder.getInputStream().read()).isEqualTo('\n');
      FilePasses ofProcess =
          wire.passes(FileTree.ofProcess(1, (int) holder.pid(), from), wire.streams(wire.secret));
      ofProcess.copyWhileRunning(ONE, List.of());
      assertThat(describe(to)).isEqualTo(describe(from)).containsKey("./volume");
      assertThat(to.resolve("over")).hasContent("hidden");
    } finally {
      holder.destroyForcibly().waitFor();
    }
  }

  @Test
  void knowsBeforehandWhatATreeNeeds() throws Exception {
    Files.write(from.resolve("data"), new byte[3 << 20]);
    Files.createLink(from.resolve("again"), from.resolve("data"));
    try (RandomAccessFile sparse = new RandomAccessFile(from.resolve("sparse").toFile(), "rw")) {
      sparse.setLength(1L << 40);
    }
    FileNeeds needs = FileNeeds.of(FileTree.ofHost(1, from), wire.confined);
    assertThat(needs.files()).isEqualTo(3);
    assertThat(needs.bytes()).isBetween(3L << 20, 4L << 20);
    assertThat(needs.neededBytes()).isBetween(6L << 20, 8L << 20);
  }

  private void makeEverything() throws Exception {
    Files.writeString(from.resolve("plain"), "content");
    Files.writeString(from.resolve("named"), "one file of two names");
    Files.createLink(from.resolve("its second name"), from.resolve("named"));
    Files.createSymbolicLink(from.resolve("link"), Path.of("plain"));
    Files.createSymbolicLink(from.resolve("absolute"), Path.of("/etc/passwd"));
    Files.createSymbolicLink(from.resolve("broken"), Path.of("../../nowhere"));
    Files.createDirectories(from.resolve("folder/in/folder"));
    Files.writeString(from.resolve("folder/in/folder/deep"), "deep");
    Files.createDirectory(from.resolve("empty"));
    Files.createFile(from.resolve("nothing"));
    Files.writeString(from.resolve("other-owner"), "1234");
    Files.writeString(from.resolve("attributes"), "attributes");
    Files.writeString(from.resolve("acl"), "acl");
    Files.writeString(from.resolve("capable"), "capable");
    run(from, "mkfifo", "fifo");
    run(from, "mknod", "character", "c", "1", "3");
    run(from, "mknod", "block", "b", "7", "200");
    run(from, "chown", "-h", "1234:4321", "other-owner", "absolute", "fifo", "block", "capable");
    run(from, "chmod", "6751", "other-owner");
    run(from, "chmod", "1777", "empty");
    run(from, "setfattr", "-n", "user.colour", "-v", "blue", "attributes");
    run(from, "setfattr", "-n", "user.long", "-v", "x".repeat(500), "attributes");
    run(from, "setfattr", "-n", "user.colour", "-v", "red", "folder");
    run(
        from,
        "setfattr",
        "-n",
        "security.capability",
        "-v",
        "0x0100000200040000000000000000000000000000",
        "capable");
    run(from, "setfacl", "-m", "u:77:rw,g:88:r", "acl");
    run(from, "setfacl", "-d", "-m", "u:77:rwx", "folder");
    try (ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      socket.bind(UnixDomainSocketAddress.of(from.resolve("socket")));
    }
    try (RandomAccessFile sparse = new RandomAccessFile(from.resolve("sparse").toFile(), "rw")) {
      sparse.setLength(8 << 20);
      sparse.seek(4 << 20);
      sparse.write(1);
    }
    run(
        from,
        "touch",
        "-h",
        "-d",
        "2001-02-03 04:05:06.789012345",
        "plain",
        "link",
        "folder",
        "fifo");
    run(from, "touch", "-d", "1969-01-01 00:00:00.000000001", "nothing");
    run(from, "chown", "7:8", ".");
    run(from, "chmod", "0750", ".");
  }

  private static long blocks(Path file) throws Exception {
    return Long.parseLong(
        run(file.resolveSibling("."), "stat", "-c", "%b", file.toString()).strip());
  }

  private static byte[] bytes(int seed) {
    byte[] bytes = new byte[2000 + 37 * (seed % 100)];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
