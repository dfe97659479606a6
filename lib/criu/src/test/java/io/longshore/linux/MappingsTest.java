package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MappingsTest {
  private static final int SELF = (int) ProcessHandle.current().pid();

  @Test
  void parsesTheKernelsForm() {
    assertThat(
            Mapping.parse(
                "7f00a000-7f00c000 r-xp 00001000 fe:0a 131                  /tmp/a  b (deleted)"))
        .isEqualTo(
            new Mapping(
                0x7f00a000L,
                0x7f00c000L,
                true,
                false,
                true,
                false,
                0x1000,
                "fe:0a",
                131,
                "/tmp/a  b (deleted)"))
        .satisfies(
            mapping -> {
              assertThat(mapping.deleted()).isTrue();
              assertThat(mapping.file()).isEqualTo("/tmp/a  b");
              assertThat(mapping.kind()).isEqualTo(Mapping.Kind.FILE_PRIVATE);
              assertThat(mapping.length()).isEqualTo(0x2000);
            });
  }

  @Test
  void tellsKindsApart() {
    assertThat(kind("1000-2000 rw-p 00000000 00:00 0 ")).isEqualTo(Mapping.Kind.ANONYMOUS);
    assertThat(kind("1000-2000 rw-p 00000000 00:00 0   [heap]")).isEqualTo(Mapping.Kind.ANONYMOUS);
    assertThat(kind("1000-2000 rw-p 00000000 00:00 0   [anon:x y]"))
        .isEqualTo(Mapping.Kind.ANONYMOUS);
    assertThat(kind("1000-2000 rw-p 00000000 fe:00 5   /lib/x.so"))
        .isEqualTo(Mapping.Kind.FILE_PRIVATE);
    assertThat(kind("1000-2000 rw-s 00000000 fe:00 5   /data")).isEqualTo(Mapping.Kind.FILE_SHARED);
    assertThat(kind("1000-2000 rw-s 00000000 00:01 5   /dev/zero (deleted)"))
        .isEqualTo(Mapping.Kind.SHARED_MEMORY);
    assertThat(kind("1000-2000 rw-s 00000000 00:01 5   /memfd:a (deleted)"))
        .isEqualTo(Mapping.Kind.SHARED_MEMORY);
    assertThat(kind("1000-2000 rw-s 00000000 00:01 5   /SYSV00000000 (deleted)"))
        .isEqualTo(Mapping.Kind.SHARED_MEMORY);
    assertThat(kind("1000-2000 r-xp 00000000 00:00 0   [vdso]")).isEqualTo(Mapping.Kind.KERNEL);
    assertThat(kind("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]"))
        .isEqualTo(Mapping.Kind.KERNEL);
  }

  private static Mapping.Kind kind(String line) {
    return Mapping.parse(line).kind();
  }

  @Test
  void readsThisProcess(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("name with spaces");
    Files.write(file, new byte[3 * PageSize.BYTES]);
    try (AnonymousMemory memory = AnonymousMemory.map(3 * PageSize.BYTES);
        RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw");
        Arena arena = Arena.ofShared()) {
      MemorySegment mapped =
          open.getChannel()
              .map(FileChannel.MapMode.READ_WRITE, PageSize.BYTES, PageSize.BYTES, arena);
      List<Mapping> mappings = Mappings.read(SELF);

      assertThat(mappings)
          .anySatisfy(
              mapping -> {
                assertThat(mapping.start()).isEqualTo(memory.segment().address());
                assertThat(mapping.kind()).isEqualTo(Mapping.Kind.ANONYMOUS);
                assertThat(mapping.writable()).isTrue();
              })
          .anySatisfy(
              mapping -> {
                assertThat(mapping.start()).isEqualTo(mapped.address());
                assertThat(mapping.kind()).isEqualTo(Mapping.Kind.FILE_SHARED);
                assertThat(mapping.file()).isEqualTo(file.toString());
                assertThat(mapping.offset()).isEqualTo(PageSize.BYTES);
                assertThat(mapping.inode()).isEqualTo(Files.getAttribute(file, "unix:ino"));
              })
          .anySatisfy(mapping -> assertThat(mapping.path()).isEqualTo("[vdso]"))
          .isSortedAccordingTo((a, b) -> Long.compareUnsigned(a.start(), b.start()));
    }
  }

  @Test
  void tellsWhatIsInMemory() throws Exception {
    try (AnonymousMemory memory = AnonymousMemory.map(100L * PageSize.BYTES)) {
      long before = Mappings.resident(SELF).anonymousBytes();
      assertThat(before).isPositive();
      for (long page = 0; page < 40; page++) {
        memory.segment().set(ValueLayout.JAVA_BYTE, page * PageSize.BYTES, (byte) 1);
      }
      MappingUsage usage =
          Mappings.readUsage(SELF).stream()
              .filter(each -> each.mapping().start() == memory.segment().address())
              .findFirst()
              .orElseThrow();
      assertThat(usage.residentBytes()).isEqualTo(40 * PageSize.BYTES);
      assertThat(usage.anonymousBytes()).isEqualTo(40 * PageSize.BYTES);
      assertThat(usage.flags()).contains("rd", "wr");
      assertThat(usage.locked()).isFalse();
      assertThat(usage.hugeTlb()).isFalse();
    }
  }

  @Test
  void saysThatThereIsNoSuchProcess() throws Exception {
    Child child = Child.sleeping();
    child.close();
    assertThatThrownBy(() -> Mappings.read(child.pid())).isInstanceOf(NoSuchFileException.class);
  }
}
