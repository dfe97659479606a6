package io.longshore.platform.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

final class ErrorsPageTest {
  @Test
  void isWhatTheDocumentationHas() throws Exception {
    Path page = Path.of("../../docs/errors.md");

    assertThat(page)
        .as(
            "write it anew: java -cp 'cli/target/lib/*' %s >docs/errors.md",
            ErrorsPage.class.getName())
        .exists();
    assertThat(Files.readString(page))
        .as(
            "write it anew: java -cp 'cli/target/lib/*' %s >docs/errors.md",
            ErrorsPage.class.getName())
        .isEqualTo(ErrorsPage.markdown());
  }
}
