package io.longshore.criu.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.longshore.criu.image.ForkWipedMemory;
import io.longshore.criu.image.ForkWipedMemory.Range;
import io.longshore.criu.image.ImageName;
import io.longshore.criu.image.Pagemap;
import io.longshore.criu.image.PagemapEntry;
import io.longshore.criu.pageserver.HeaderLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HiddenPagesTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int MEBIBYTE_PAGES = 256;

  /** Its number on x86-64. */
  private static final String PAUSE = "34 ";

  @TempDir Path folder;
  private final List<CriuDump> dumps = new ArrayList<>();
  private long workload;

  static Stream<Criu> crius() {
    return Crius.both();
  }

  @AfterEach
  void killWorkload() throws Exception {
    for (CriuDump dump : dumps) {
      dump.kill();
    }
    if (workload != 0) {
      for (int pid : pids()) {
        SystemCalls.signal(pid, SystemCalls.SIGKILL);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("crius")
  void whatIsHiddenAndWhatIsNotIsTogetherWhatThereIs(Criu criu) throws Exception {
    start();
    List<Integer> pids = pids();
    assertThat(pids).hasSize(2);
    CriuDump plain = dump(criu, "plain", false);
    assertThat(plain.hiddenPages()).isEmpty();
    plain.abort(PATIENCE);
    CriuDump hiding = dump(criu, "hiding", true);
    Map<Integer, List<PagemapEntry>> hidden = hiding.hiddenPages();
    assertThat(hidden.keySet()).containsExactlyInAnyOrderElementsOf(pids);
    for (int pid : pids) {
      Map<Long, Integer> whole = pages(map("plain", pid));
      Pagemap rest = map("hiding", pid);
      List<PagemapEntry> runs = hidden.getOrDefault(pid, List.of());
      // Not their flags: where a thread's stack pointer happens to be at the start of a page, CRIU
      // takes nothing of the process for lazy, in one dump and not in the next.
      assertThat(pages(rest.with(runs)).keySet()).isEqualTo(whole.keySet());
      assertThat(pages(rest)).as("left to CRIU").hasSizeLessThan(whole.size() / 3);
      // All is still there: the long mapping, and both ends of the one with the hole.
      assertThat(runs.stream().mapToLong(PagemapEntry::pages).max().orElse(0))
          .isGreaterThanOrEqualTo(8 * MEBIBYTE_PAGES);
    }
  }

  @ParameterizedTest
  @MethodSource("crius")
  void whatAChildMustFindEmptyIsInTheImages(Criu criu) throws Exception {
    start();
    CriuDump dump = dump(criu, "plain", false);
    // CRIU 4.1 does not know this advice, and restores the mapping without it.
    long expected = criu.headerLayout() == HeaderLayout.BYTES_24 ? 0 : 2 * 4096;
    for (int pid : pids()) {
      List<Range> ranges =
          ForkWipedMemory.read(folder.resolve("plain").resolve(ImageName.mm(pid).fileName()));
      assertThat(ranges.stream().mapToLong(range -> range.end() - range.start()).sum())
          .isEqualTo(expected);
    }
    dump.abort(PATIENCE);
  }

  @ParameterizedTest
  @MethodSource("crius")
  void ofAProcessWithLockedMemoryNothingIsHidden(Criu criu) throws Exception {
    start("locked");
    CriuDump dump = dump(criu, "hiding", true);
    // The child has not locked any.
    assertThat(dump.hiddenPages()).hasSize(1).doesNotContainKey((int) workload);
  }

  @Test
  void aListThatCannotBeUnderstoodIsAnError() throws Exception {
    HiddenPages hidden = HiddenPages.create(folder);
    assertThat(hidden.read()).isEmpty();
    Files.writeString(folder.resolve("hidden-pages"), "12 7f0000000000 7f0000100000\n12 7f00");
    assertThatThrownBy(hidden::read)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("hidden-pages");
  }

  private void start(String... more) throws Exception {
    Path source = folder.resolve("mappings.c");
    Path program = folder.resolve("mappings");
    try (var text = HiddenPagesTest.class.getResourceAsStream("mappings.c")) {
      Files.write(source, text.readAllBytes());
    }
    assertThat(
            new ProcessBuilder(
                    "gcc", "-O1", "-Wall", "-pthread", "-o", program.toString(), source.toString())
                .inheritIO()
                .start()
                .waitFor())
        .isZero();
    List<String> command = new ArrayList<>(List.of("setsid", "--", program.toString()));
    command.add(folder.toString());
    command.addAll(List.of(more));
    Path nothing = Path.of("/dev/null");
    workload =
        new ProcessBuilder(command)
            .redirectInput(nothing.toFile())
            .redirectOutput(nothing.toFile())
            .redirectError(nothing.toFile())
            .start()
            .pid();
    await().atMost(PATIENCE).until(() -> Files.exists(folder.resolve("ready")) && allPause());
  }

  /** Until then they go on writing: to their stacks, and where the linker binds a function late. */
  private boolean allPause() throws IOException {
    for (int pid : pids()) {
      try (Stream<Path> threads = Files.list(Path.of("/proc/" + pid + "/task"))) {
        for (Path thread : threads.toList()) {
          if (!Files.readString(thread.resolve("syscall")).startsWith(PAUSE)) {
            return false;
          }
        }
      }
    }
    return true;
  }

  private List<Integer> pids() {
    List<Integer> pids = new ArrayList<>();
    ProcessHandle.of(workload)
        .ifPresent(
            root -> {
              pids.add((int) root.pid());
              root.descendants().forEach(child -> pids.add((int) child.pid()));
            });
    return pids;
  }

  private CriuDump dump(Criu criu, String name, boolean hiding) throws Exception {
    DumpOptions options =
        DumpOptions.of(
            (int) workload,
            Files.createDirectory(folder.resolve(name)),
            Files.createDirectory(folder.resolve(name + "-work")));
    CriuDump dump = CriuDump.start(criu, hiding ? options.withHiddenPages() : options);
    dumps.add(dump);
    dump.awaitReady(PATIENCE);
    return dump;
  }

  private Pagemap map(String images, int pid) throws IOException {
    return Pagemap.read(folder.resolve(images).resolve(ImageName.pagemap(pid).fileName()));
  }

  /** Flags by page. */
  private static Map<Long, Integer> pages(Pagemap map) {
    Map<Long, Integer> pages = new TreeMap<>();
    for (PagemapEntry entry : map.entries()) {
      for (long i = 0; i < entry.pages(); i++) {
        pages.put(entry.address() / PagemapEntry.PAGE_BYTES + i, entry.flags());
      }
    }
    return pages;
  }
}
