package io.longshore.criu.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.criu.golden.Golden;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GoldenImagesTest {

  static Stream<Golden> goldens() {
    return Golden.all();
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void aPagemapTellsWhichPagesAreLazy(Golden golden) throws Exception {
    Pagemap pagemap = Pagemap.parse("pagemap", golden.buffer("pagemap.img"));
    assertThat(pagemap.pagesId()).isEqualTo(1);
    long memory = golden.memory();
    assertThat(pagemap.entries())
        .contains(
            new PagemapEntry(memory, 7, PagemapEntry.LAZY),
            new PagemapEntry(memory + 8 * 4096, 12, PagemapEntry.LAZY))
        .noneMatch(
            entry ->
                entry.address() <= memory + 7 * 4096L && entry.endAddress() > memory + 7 * 4096L)
        .anyMatch(PagemapEntry::isPresent);
    assertThat(pagemap.pagesWith(PagemapEntry.LAZY)).isBetween(19L, 22L);
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void aPagemapSurvivesBeingWritten(Golden golden, @TempDir Path folder) throws Exception {
    Pagemap pagemap = Pagemap.parse("pagemap", golden.buffer("pagemap.img"));
    Path file = folder.resolve("pagemap-1.img");
    Files.write(file, new byte[10_000]);
    pagemap.write(file);
    assertThat(Pagemap.read(file)).isEqualTo(pagemap);
    assertThat(Pagemap.parse("pagemap", pagemap.encode())).isEqualTo(pagemap);
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void anInventorySaysHowTheNetworkWasLocked(Golden golden) throws Exception {
    Inventory inventory = Inventory.parse("inventory", golden.buffer("inventory.img"));
    assertThat(inventory.imageVersion()).isEqualTo(2);
    assertThat(inventory.networkLock()).contains(Inventory.NetworkLock.SKIP);
    assertThat(inventory.tcpClose()).isFalse();
    assertThat(inventory.uptime()).isEmpty();
    assertThat(inventory.runId().orElseThrow()).hasSize(36);
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void aProcessTreeNamesItsTasks(Golden golden) throws Exception {
    int pid = golden.pid();
    assertThat(ProcessTree.parse("pstree", golden.buffer("pstree.img")).tasks())
        .containsExactly(new ProcessTree.Task(pid, 0, pid, pid));
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void statisticsOfADumpAreRead(Golden golden) throws Exception {
    DumpStats stats = DumpStats.parse("stats-dump", golden.buffer("stats-dump"));
    assertThat(stats.frozen()).isBetween(Duration.ofMillis(1), Duration.ofSeconds(1));
    assertThat(stats.pagesWritten()).isBetween(20L, 30L);
    assertThat(stats.pagesScanned()).isGreaterThanOrEqualTo(stats.pagesWritten());
    assertThat(stats.pagesLazy()).isZero();
    assertThat(stats.pagePipes()).isPositive();
    assertThatThrownBy(() -> RestoreStats.parse("stats-dump", golden.buffer("stats-dump")))
        .isInstanceOf(ImageFormatException.class)
        .hasMessageContaining("no restore figures");
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void anyImageCanBeReadRecordByRecord(Golden golden) throws Exception {
    ByteBuffer image = golden.buffer("mm.img");
    ImageReader reader = ImageReader.open("mm", image, ImageType.MM);
    assertThat(reader.hasNext()).isTrue();
    assertThat(reader.next().remaining()).isEqualTo(image.remaining() - 12);
    assertThat(reader.hasNext()).isFalse();
    assertThat(image.position()).isZero();
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void anImageOfAnotherTypeIsRefused(Golden golden) {
    assertThatThrownBy(() -> Pagemap.parse("mm-1.img", golden.buffer("mm.img")))
        .isInstanceOf(ImageFormatException.class)
        .hasMessage(
            "mm-1.img is not an image of type PAGEMAP: it has the magic number 0x57492820 instead"
                + " of 0x56084025");
  }
}
