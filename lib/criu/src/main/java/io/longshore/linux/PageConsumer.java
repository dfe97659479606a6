package io.longshore.linux;

import java.io.IOException;

/** Takes pages in ascending order. */
@FunctionalInterface
public interface PageConsumer {
  /**
   * Takes some.
   *
   * @param start address of the first
   * @param end address behind the last
   */
  void accept(long start, long end) throws IOException;
}
