package io.longshore.criu.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.criu.image.ImageName.Kind;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageNameTest {

  @ParameterizedTest
  @CsvSource({
    "pagemap-12.img, PAGEMAP, 12",
    "pagemap-shmem-7.img, PAGEMAP_SHMEM, 7",
    "pages-0.img, PAGES, 0",
    "core-4194304.img, CORE, 4194304",
    "mm-1.img, MM, 1",
  })
  void aNumberedImageTellsWhatItIs(String name, Kind kind, long id) throws Exception {
    ImageName parsed = ImageName.parse(name);
    assertThat(parsed.kind()).isEqualTo(kind);
    assertThat(parsed.id()).isEqualTo(OptionalLong.of(id));
    assertThat(parsed).hasToString(name);
  }

  @ParameterizedTest
  @CsvSource({
    "inventory.img, INVENTORY",
    "pstree.img, PSTREE",
    "stats-dump, STATS_DUMP",
    "stats-restore, STATS_RESTORE",
    "files.img, OTHER",
    "tmpfs-dev-34.tar.gz.img, OTHER",
    "pagemap-007.img, OTHER",
    "pagemap-.img, OTHER",
  })
  void anImageWithoutANumberHasNone(String name, Kind kind) throws Exception {
    ImageName parsed = ImageName.parse(name);
    assertThat(parsed.kind()).isEqualTo(kind);
    assertThat(parsed.id()).isEmpty();
  }

  @Test
  void whatIsBuiltIsWhatIsParsed() throws Exception {
    assertThat(ImageName.parse("pagemap-5.img")).isEqualTo(ImageName.pagemap(5));
    assertThat(ImageName.parse("pagemap-shmem-5.img")).isEqualTo(ImageName.pagemapShmem(5));
    assertThat(ImageName.parse("pages-5.img")).isEqualTo(ImageName.pages(5));
    assertThat(ImageName.parse("mm-5.img")).isEqualTo(ImageName.mm(5));
    assertThat(ImageName.parse("core-5.img")).isEqualTo(ImageName.core(5));
    assertThat(ImageName.parse("inventory.img")).isSameAs(ImageName.INVENTORY);
    assertThat(ImageName.parse("a".repeat(128)).kind()).isEqualTo(Kind.OTHER);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "../x",
        "a b",
        "a\nb",
        "a\0",
        "\u00e9.img",
        "pagemap-9999999999999999999.img"
      })
  void aNameThatCouldLeadElsewhereIsRefused(String name) {
    assertThatThrownBy(() -> ImageName.parse(name)).isInstanceOf(ImageFormatException.class);
  }

  @Test
  void aNameThatIsTooLongIsRefused() {
    assertThatThrownBy(() -> ImageName.parse("a".repeat(129)))
        .isInstanceOf(ImageFormatException.class)
        .hasMessageContaining("(129 characters) is refused");
  }
}
