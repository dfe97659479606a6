package io.longshore.acceptance.load;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What every key must hold, derived from the key and a version, so that any answer can be checked
 * without keeping a copy. The values do not compress. There are two kinds of keys: filled ones,
 * which are never written again (version 0), and owned ones, which one connection alone writes.
 */
final class Content {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long GAMMA = 0x9e3779b97f4a7c15L;
  private static final long OWNED = 1L << 62;

  private final int valueBytes;

  /**
   * @param valueBytes length of each value; a multiple of 8
   */
  Content(int valueBytes) {
    if (valueBytes < 8 || valueBytes % 8 != 0) {
      throw new IllegalArgumentException(
          "the length of a value must be a multiple of 8, not " + valueBytes);
    }
    this.valueBytes = valueBytes;
  }

  static long filled(long number) {
    return number;
  }

  static long owned(int connection, int number) {
    return OWNED | ((long) connection << 32) | number;
  }

  /** How many filled keys it takes for so many bytes of values. */
  long filledKeys(long bytes) {
    return (bytes + valueBytes - 1) / valueBytes;
  }

  static byte[] key(long id) {
    String name =
        (id & OWNED) == 0
            ? "filled:" + id
            : "owned:" + ((id >> 32) & 0x3fffffff) + ":" + (id & 0xffffffffL);
    return name.getBytes(StandardCharsets.US_ASCII);
  }

  byte[] newValue() {
    return new byte[valueBytes];
  }

  /** Writes the value of a key into an array of the right length. */
  void write(long id, long version, byte[] value) {
    long state = start(id, version);
    for (int i = 0; i < valueBytes; i += 8) {
      state += GAMMA;
      LONGS.set(value, i, mix(state));
    }
  }

  /** Whether an answer is the value of a key. Allocates nothing. */
  boolean matches(long id, long version, byte[] answer) {
    if (answer.length != valueBytes) {
      return false;
    }
    long state = start(id, version);
    long difference = 0;
    for (int i = 0; i < valueBytes; i += 8) {
      state += GAMMA;
      difference |= (long) LONGS.get(answer, i) ^ mix(state);
    }
    return difference == 0;
  }

  private static long start(long id, long version) {
    return mix(mix(id + 1) ^ (version * 0x632be59bd9b4e019L));
  }

  /** The finaliser of SplitMix64. */
  private static long mix(long value) {
    long x = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
    x = (x ^ (x >>> 27)) * 0x94d049bb133111ebL;
    return x ^ (x >>> 31);
  }
}
