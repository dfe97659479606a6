package io.longshore.acceptance.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;

class ContentTest {
  private final Content content = new Content(1272);

  @Test
  void recognisesTheValueOfAKeyAndNoOther() {
    byte[] value = content.newValue();
    content.write(Content.owned(3, 7), 5, value);
    assertThat(content.matches(Content.owned(3, 7), 5, value)).isTrue();
    assertThat(content.matches(Content.owned(3, 7), 4, value)).isFalse();
    assertThat(content.matches(Content.owned(3, 8), 5, value)).isFalse();
    assertThat(content.matches(Content.owned(4, 7), 5, value)).isFalse();
    assertThat(content.matches(Content.filled(7), 5, value)).isFalse();
  }

  @Test
  void seesEveryWrongByte() {
    long id = Content.filled(11);
    byte[] value = content.newValue();
    content.write(id, 0, value);
    for (int i = 0; i < value.length; i++) {
      value[i] ^= 1;
      assertThat(content.matches(id, 0, value)).as("byte %d", i).isFalse();
      value[i] ^= 1;
    }
    assertThat(content.matches(id, 0, new byte[0])).isFalse();
    assertThat(content.matches(id, 0, value)).isTrue();
  }

  @Test
  void doesNotCompress() throws IOException {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(compressed)) {
      byte[] value = content.newValue();
      for (int i = 0; i < 100; i++) {
        content.write(Content.filled(i), 0, value);
        gzip.write(value);
      }
    }
    assertThat(compressed.size()).isGreaterThan(100 * 1272);
  }

  @Test
  void namesKeysApart() {
    assertThat(Content.key(Content.filled(12)))
        .asString(StandardCharsets.US_ASCII)
        .isEqualTo("filled:12");
    assertThat(Content.key(Content.owned(19, 99)))
        .asString(StandardCharsets.US_ASCII)
        .isEqualTo("owned:19:99");
  }

  @Test
  void roundsTheNumberOfKeysUp() {
    assertThat(content.filledKeys(1272 * 10)).isEqualTo(10);
    assertThat(content.filledKeys(1272 * 10 + 1)).isEqualTo(11);
  }
}
