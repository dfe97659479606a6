package io.longshore.criu.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.longshore.criu.image.DumpStats;
import io.longshore.criu.image.ImageName;
import io.longshore.criu.image.Pagemap;
import io.longshore.criu.image.PagemapEntry;
import io.longshore.criu.pageserver.PageImage;
import io.longshore.criu.pageserver.PageServer;
import io.longshore.criu.pageserver.PageSink;
import io.longshore.criu.pageserver.ReceivedPages;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DumpToPageServerTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir Path folder;
  private Path images;
  private Path work;
  private Workload workload;

  @BeforeEach
  void startWorkload() throws Exception {
    images = Files.createDirectory(folder.resolve("images"));
    work = Files.createDirectory(folder.resolve("work"));
    workload = Workload.start(folder, 12);
  }

  @AfterEach
  void killWorkload() throws Exception {
    workload.kill();
  }

  static Stream<Criu> crius() {
    return Crius.both();
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aDumpIntoTheSinkIsRestoredFromImagesWrittenHere(Criu criu) throws Exception {
    KeepingSink sink = new KeepingSink();
    ReceivedPages received;
    Process dump;
    try (PageServer server = PageServer.listen(criu.headerLayout())) {
      dump = dumpTo(criu, server.port());
      received = server.receiveDump(sink);
    }
    assertThat(dump.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(dump.exitValue()).isZero();
    assertThat(received.bytes()).isGreaterThanOrEqualTo(24L << 20);
    DumpStats stats = DumpStats.read(work.resolve(ImageName.STATS_DUMP.fileName()));
    assertThat(stats.pagesWritten()).isEqualTo(received.bytes() / PagemapEntry.PAGE_BYTES);
    assertThat(stats.frozen()).isBetween(Duration.ofMillis(1), PATIENCE);

    workload.killAndFreePids();
    sink.writeImages(images);
    CriuRestore restore = CriuRestore.start(criu, RestoreOptions.eager(images, work));
    assertThat(restore.awaitHeld(PATIENCE)).isEqualTo(workload.pid());
    restore.go();
    assertThat(restore.awaitExit(PATIENCE)).contains(0);
    workload.assertMemoryIsRight();
  }

  @ParameterizedTest
  @MethodSource("crius")
  void aSinkThatFailsLetsTheTreeRunOn(Criu criu) throws Exception {
    Process dump;
    try (PageServer server = PageServer.listen(criu.headerLayout())) {
      dump = dumpTo(criu, server.port());
      PageSink failing =
          new KeepingSink() {
            @Override
            public void pages(PageImage image, long address, ByteBuffer bytes) throws IOException {
              throw new IOException("no room");
            }
          };
      assertThat(catchThrowable(() -> server.receiveDump(failing))).hasMessage("no room");
    }
    assertThat(dump.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(dump.exitValue()).isNotZero();
    workload.assertMemoryIsRight();
  }

  private Process dumpTo(Criu criu, int port) throws Exception {
    List<String> command = new ArrayList<>();
    command.addAll(List.of("setsid", "--", criu.executable().toString(), "dump"));
    command.addAll(DumpOptions.of(workload.pid(), images, work).arguments());
    command.addAll(List.of("--work-dir", work.toString(), "--log-file", "dump.log"));
    command.addAll(List.of("--page-server", "--address", "127.0.0.1"));
    command.addAll(List.of("--port", Integer.toString(port)));
    return new ProcessBuilder(command)
        .redirectInput(new File("/dev/null"))
        .redirectOutput(new File("/dev/null"))
        .redirectError(new File("/dev/null"))
        .start();
  }

  /** Keeps everything, in memory. */
  private static class KeepingSink implements PageSink {

    private final Map<PageImage, List<PagemapEntry>> entries = new LinkedHashMap<>();
    private final Map<PageImage, ByteArrayOutputStream> bytes = new LinkedHashMap<>();

    @Override
    public boolean open(PageImage image) {
      entries.put(image, new ArrayList<>());
      bytes.put(image, new ByteArrayOutputStream());
      return false;
    }

    @Override
    public void entry(PageImage image, PagemapEntry entry) {
      Objects.requireNonNull(entries.get(image)).add(entry);
    }

    @Override
    public void pages(PageImage image, long address, ByteBuffer content) throws IOException {
      byte[] copy = new byte[content.remaining()];
      content.get(copy);
      Objects.requireNonNull(bytes.get(image)).write(copy);
    }

    void writeImages(Path images) throws Exception {
      long pagesId = 1;
      for (var image : entries.entrySet()) {
        new Pagemap(pagesId, image.getValue())
            .write(images.resolve(image.getKey().pagemapName().fileName()));
        Files.write(
            images.resolve(ImageName.pages(pagesId).fileName()),
            Objects.requireNonNull(bytes.get(image.getKey())).toByteArray());
        pagesId++;
      }
    }
  }
}
