package io.longshore.criu.golden;

import io.longshore.criu.image.ImageName;
import io.longshore.criu.image.Pagemap;
import io.longshore.criu.image.PagemapEntry;
import io.longshore.criu.pageserver.PageImage;
import io.longshore.criu.pageserver.PageServer;
import io.longshore.criu.pageserver.PageServerClient;
import io.longshore.criu.pageserver.PageServerConnection;
import io.longshore.criu.pageserver.PageServerRequest;
import io.longshore.criu.pageserver.PageSink;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuDump;
import io.longshore.criu.run.CriuRestore;
import io.longshore.criu.run.Crius;
import io.longshore.criu.run.DumpOptions;
import io.longshore.criu.run.LazyPages;
import io.longshore.criu.run.RestoreOptions;
import java.io.File;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;

/**
 * Makes the golden bytes anew: the images of one tiny process (tiny.c) and what CRIU and its page
 * servers say to each other, from both versions. usage: CaptureGolden FOLDER. See golden/README.md.
 */
public final class CaptureGolden {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Criu criu;
  private final Path output;
  private final Path scratch;
  private Path images;
  private Path work;

  private CaptureGolden(Criu criu, Path output) throws Exception {
    this.criu = criu;
    this.output = Files.createDirectories(output.resolve(criu.version().toString()));
    this.scratch = Files.createTempDirectory("golden");
    this.images = scratch;
    this.work = scratch;
  }

  /** Captures from both versions. */
  public static void main(String[] arguments) throws Exception {
    for (Criu criu : Crius.both().toList()) {
      CaptureGolden capture = new CaptureGolden(criu, Path.of(arguments[0]));
      capture.lazyDumpAndRestore();
      capture.dumpToPageServer();
    }
  }

  private void lazyDumpAndRestore() throws Exception {
    newFolders("lazy");
    Process tiny = start();
    int pid = (int) tiny.pid();
    CriuDump dump = CriuDump.start(criu, DumpOptions.of(pid, images, work));
    dump.awaitReady(PATIENCE);
    keep("inventory.img", ImageName.INVENTORY);
    keep("pstree.img", ImageName.PSTREE);
    keep("pagemap.img", ImageName.pagemap(pid));
    keep("mm.img", ImageName.mm(pid));
    Files.writeString(
        output.resolve("facts.properties"),
        "pid=%d%nsid=%d%nmemory=%s%n"
            .formatted(pid, pid, Long.toHexString(lazyEntries(pid).getFirst().address())));
    Map<Long, byte[]> pages = lazyPages(pid);

    RecordingRelay gets = new RecordingRelay(dump.port());
    PageServerClient client = PageServerClient.connect(gets.port(), criu.headerLayout());
    PagemapEntry first = lazyEntries(pid).getFirst();
    ByteBuffer room = ByteBuffer.allocate(4 * PagemapEntry.PAGE_BYTES);
    client.request(pid, first.address(), 2);
    // Where fs.pipe-max-size is below 4 MiB, CRIU can give pages from the beginning of a pipe only.
    client.request(pid, first.address(), 1);
    client.readPages(room);
    client.readPages(room);
    client.close();
    dump.exit().get(60, TimeUnit.SECONDS);
    write("lazy-dump-requests.bin.gz", gets.fromClient());
    write("lazy-dump-answers.bin.gz", gets.fromServer());
    tiny.destroyForcibly().waitFor();

    try (PageServer server = PageServer.listen(criu.headerLayout())) {
      RecordingRelay relay = new RecordingRelay(server.port());
      LazyPages daemon = LazyPages.start(criu, images, work, relay.port());
      daemon.awaitReady(PATIENCE);
      CompletableFuture<Void> served =
          CompletableFuture.runAsync(() -> serve(server, pages), Thread::startVirtualThread);
      CriuRestore restore = CriuRestore.start(criu, RestoreOptions.lazy(images, work));
      restore.awaitHeld(PATIENCE);
      restore.go();
      restore.awaitExit(PATIENCE);
      served.join();
      daemon.exit().get(60, TimeUnit.SECONDS);
      write("lazy-pages-requests.bin.gz", relay.fromClient());
      write("lazy-pages-answers.bin.gz", relay.fromServer());
    }
    ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
  }

  private void dumpToPageServer() throws Exception {
    newFolders("dump");
    Process tiny = start();
    try (PageServer server = PageServer.listen(criu.headerLayout())) {
      RecordingRelay relay = new RecordingRelay(server.port());
      Process dump =
          new ProcessBuilder(
                  "setsid",
                  "--",
                  criu.executable().toString(),
                  "dump",
                  "--tree",
                  Long.toString(tiny.pid()),
                  "--images-dir",
                  images.toString(),
                  "--work-dir",
                  work.toString(),
                  "--log-file",
                  "dump.log",
                  "--page-server",
                  "--address",
                  "127.0.0.1",
                  "--port",
                  Integer.toString(relay.port()))
              .redirectInput(new File("/dev/null"))
              .start();
      server.receiveDump(new Nowhere());
      dump.waitFor();
      write("dump-requests.bin.gz", relay.fromClient());
      write("dump-answers.bin.gz", relay.fromServer());
    }
    Files.copy(work.resolve("stats-dump"), output.resolve("stats-dump"));
    tiny.destroyForcibly();
  }

  private void serve(PageServer server, Map<Long, byte[]> pages) {
    try (PageServerConnection connection = server.accept()) {
      while (true) {
        switch (connection.head(PATIENCE).orElseThrow()) {
          case PageServerRequest.Get get ->
              connection.reply(
                  get, ByteBuffer.wrap(Objects.requireNonNull(pages.get(get.address()))));
          case PageServerRequest.Close _ -> {
            connection.acknowledgeClose();
            return;
          }
        }
      }
    } catch (Exception failure) {
      throw new IllegalStateException(failure);
    }
  }

  private void newFolders(String name) throws Exception {
    images = Files.createDirectories(scratch.resolve(name + "-images"));
    work = Files.createDirectories(scratch.resolve(name + "-work"));
  }

  private Process start() throws Exception {
    Path source = scratch.resolve("tiny.c");
    try (var text = Objects.requireNonNull(CaptureGolden.class.getResourceAsStream("tiny.c"))) {
      Files.write(source, text.readAllBytes());
    }
    Path program = scratch.resolve("tiny");
    new ProcessBuilder(
            List.of(
                "gcc",
                "-O1",
                "-static",
                "-nostdlib",
                "-fno-stack-protector",
                "-o",
                program.toString(),
                source.toString()))
        .inheritIO()
        .start()
        .waitFor();
    Process tiny =
        new ProcessBuilder("setsid", "--", program.toString())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(new File("/dev/null"))
            .redirectError(new File("/dev/null"))
            .start();
    // By hand and once in a while: half a second is enough for it to fill its memory.
    Thread.sleep(500);
    return tiny;
  }

  private List<PagemapEntry> lazyEntries(int pid) throws Exception {
    return Pagemap.read(images.resolve(ImageName.pagemap(pid).fileName())).entries().stream()
        .filter(PagemapEntry::isLazy)
        .toList();
  }

  private Map<Long, byte[]> lazyPages(int pid) throws Exception {
    Map<Long, byte[]> pages = new HashMap<>();
    try (RandomAccessFile memory = new RandomAccessFile("/proc/" + pid + "/mem", "r")) {
      for (PagemapEntry entry : lazyEntries(pid)) {
        for (long at = entry.address(); at < entry.endAddress(); at += PagemapEntry.PAGE_BYTES) {
          byte[] page = new byte[PagemapEntry.PAGE_BYTES];
          memory.seek(at);
          memory.readFully(page);
          pages.put(at, page);
        }
      }
    }
    return pages;
  }

  private void keep(String name, ImageName image) throws Exception {
    Files.copy(images.resolve(image.fileName()), output.resolve(name));
  }

  private void write(String name, byte[] bytes) throws Exception {
    try (OutputStream file = new GZIPOutputStream(Files.newOutputStream(output.resolve(name)))) {
      file.write(bytes);
    }
  }

  private static final class Nowhere implements PageSink {
    @Override
    public boolean open(PageImage image) {
      return false;
    }

    @Override
    public void entry(PageImage image, PagemapEntry entry) {}

    @Override
    public void pages(PageImage image, long address, ByteBuffer bytes) {}
  }
}
