package io.longshore.criu.golden;

import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Properties;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/**
 * The golden bytes of one version of CRIU, see golden/README.md.
 *
 * @param version its name, which is also the folder's
 */
public record Golden(String version) {

  /** For {@code @MethodSource}. */
  public static Stream<Golden> all() {
    return Stream.of(new Golden("4.1.1"), new Golden("4.2.1"));
  }

  /** The bytes of a file; of a {@code .gz} what is inside. */
  public byte[] bytes(String name) {
    String path = version + "/" + name;
    try (InputStream file = Objects.requireNonNull(Golden.class.getResourceAsStream(path), path);
        InputStream content = name.endsWith(".gz") ? new GZIPInputStream(file) : file) {
      return content.readAllBytes();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** As {@link #bytes}. */
  public ByteBuffer buffer(String name) {
    return ByteBuffer.wrap(bytes(name));
  }

  /** Process id of the tiny process. */
  public int pid() {
    return Integer.parseInt(fact("pid"));
  }

  /** Address of its memory. */
  public long memory() {
    return Long.parseLong(fact("memory"), 16);
  }

  /** Page {@code number} of its memory. */
  public static byte[] page(int number) {
    byte[] page = new byte[4096];
    page[number] = (byte) (number == 7 ? 0 : number + 1);
    return page;
  }

  private String fact(String name) {
    Properties facts = new Properties();
    try {
      facts.load(new StringReader(new String(bytes("facts.properties"), StandardCharsets.UTF_8)));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    return facts.getProperty(name, "");
  }
}
