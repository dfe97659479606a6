package io.longshore.source.profile;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class SampledPagesTest {
  private static final long PAGE = 4096;

  private static ProcessMemory process(int pid, AddressRange... ranges) {
    return new ProcessMemory(pid, MemorySizes.NONE, List.of(ranges));
  }

  private static AddressRange pages(long first, long count) {
    return new AddressRange(first * PAGE, (first + count) * PAGE);
  }

  private static Set<String> drawn(SampledPages sample) {
    Set<String> names = new HashSet<>();
    for (int i = 0; i < sample.count(); i++) {
      names.add(sample.pid(i) + ":" + sample.addresses(i, i + 1)[0] / PAGE);
    }
    return names;
  }

  @Test
  void takesAllOfAFew() {
    SampledPages sample =
        SampledPages.draw(
            List.of(process(7, pages(10, 2), pages(100, 1)), process(8, pages(10, 1)), process(9)),
            10,
            new Random(1));

    assertThat(sample.count()).isEqualTo(4);
    assertThat(drawn(sample)).containsExactlyInAnyOrder("7:10", "7:11", "7:100", "8:10");
  }

  @Test
  void drawsEachPageWithTheSameChanceAndNoneTwice() {
    List<ProcessMemory> memory =
        List.of(process(7, pages(0, 90), pages(1000, 10)), process(8, pages(50, 100)));
    int[] hits = new int[3];
    for (int seed = 0; seed < 200; seed++) {
      SampledPages sample = SampledPages.draw(memory, 50, new Random(seed));
      assertThat(drawn(sample)).hasSize(50);
      for (int i = 0; i < sample.count(); i++) {
        hits[sample.pid(i) == 8 ? 2 : sample.addresses(i, i + 1)[0] < 1000 * PAGE ? 0 : 1]++;
      }
    }
    // Of 10,000 draws; five times the standard error.
    assertThat(hits[0]).isBetween(4500 - 250, 4500 + 250);
    assertThat(hits[1]).isBetween(500 - 110, 500 + 110);
    assertThat(hits[2]).isBetween(5000 - 250, 5000 + 250);
  }

  @Test
  void ofNothingIsEmpty() {
    assertThat(SampledPages.draw(List.of(), 10, new Random(1)).count()).isZero();
  }
}
