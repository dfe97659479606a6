package io.longshore.source.pages;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.source.pages.Neighbourhood.Block;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class NeighbourhoodTest {
  private static final int VPID = 7;
  private static final Duration LONG = Duration.ofSeconds(20);

  private final Neighbourhood neighbourhood = new Neighbourhood();

  @Test
  void nothingIsNearNothing() throws Exception {
    assertThat(neighbourhood.poll()).isNull();
    assertThat(neighbourhood.poll(Duration.ofMillis(5))).isNull();
  }

  @Test
  void aBlockIsGivenOnceAndTheNewestFirst() {
    neighbourhood.demanded(VPID, 10);
    neighbourhood.demanded(VPID, 63);
    neighbourhood.demanded(VPID, 5_000);
    assertThat(all()).containsExactly(block(5_000 / 64), block(0));
    neighbourhood.demanded(VPID, 11);
    neighbourhood.demanded(VPID + 1, 10);
    assertThat(all()).doesNotContain(block(0)).contains(new Block(VPID + 1, 0));
  }

  @Test
  void whereThereIsMuchToDoMoreIsGivenAround() {
    neighbourhood.demanded(VPID, 512);
    neighbourhood.demanded(VPID, 513);
    assertThat(all()).containsExactly(block(8));
    neighbourhood.demanded(VPID, 700);
    assertThat(all())
        .containsExactly(
            block(9), block(10), block(11), block(12), block(13), block(14), block(15));
  }

  @Test
  void aDemandIsWaitedFor() throws Exception {
    Thread later =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    Thread.sleep(Duration.ofMillis(50));
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                  neighbourhood.demanded(VPID, 64);
                });
    assertThat(neighbourhood.poll(LONG)).isEqualTo(block(1));
    later.join();
  }

  private List<Block> all() {
    List<Block> all = new ArrayList<>();
    for (Block block = neighbourhood.poll(); block != null; block = neighbourhood.poll()) {
      all.add(block);
    }
    return all;
  }

  private static Block block(long number) {
    return new Block(VPID, number);
  }
}
