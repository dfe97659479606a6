package io.longshore.agent.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

final class MigrationRegistryTest {
  private static final int REMEMBERED = 10_000;

  /** An agent's part of a migration. */
  private static final class Part {
    final AtomicBoolean over = new AtomicBoolean();
  }

  private final MigrationRegistry<Part> registry = new MigrationRegistry<>(part -> part.over.get());

  @Test
  void makesAPartOnce() {
    AtomicInteger made = new AtomicInteger();
    Part first = registry.getOrCreate(ref("m", 1), () -> part(made));
    assertThat(registry.getOrCreate(ref("m", 1), () -> part(made))).isSameAs(first);
    assertThat(registry.get(ref("m", 1))).isSameAs(first);
    assertThat(registry.find(ref("m", 1))).containsSame(first);
    assertThat(made).hasValue(1);
  }

  @Test
  void doesNotKnowWhatWasNeverMade() {
    assertThat(registry.find(ref("m", 1))).isEmpty();
    assertRefused(() -> registry.get(ref("m", 1)), Reason.NOT_FOUND);
    assertRefused(() -> registry.look(ref("m", 1)), Reason.NOT_FOUND);
  }

  @Test
  void keepsNothingOfAPartThatCouldNotBeMade() {
    assertThatThrownBy(
            () ->
                registry.getOrCreate(
                    ref("m", 7),
                    () -> {
                      throw new IllegalStateException("no room");
                    }))
        .hasMessage("no room");
    assertThat(registry.all()).isEmpty();
    Part later = registry.getOrCreate(ref("m", 1), Part::new);
    assertThat(registry.all()).containsExactly(later);
  }

  @Test
  void listsTheOldestFirst() {
    Part one = registry.getOrCreate(ref("z", 1), Part::new);
    Part two = registry.getOrCreate(ref("a", 1), Part::new);
    registry.getOrCreate(ref("z", 2), Part::new);
    assertThat(registry.all()).containsExactly(one, two);
  }

  @Nested
  final class OfSeveralEpochs {
    @Test
    void refusesAnOlderOneEverywhere() {
      registry.getOrCreate(ref("m", 5), Part::new);
      assertRefused(() -> registry.getOrCreate(ref("m", 4), Part::new), Reason.STALE_EPOCH);
      assertRefused(() -> registry.find(ref("m", 4)), Reason.STALE_EPOCH);
      assertRefused(() -> registry.get(ref("m", 4)), Reason.STALE_EPOCH);
      assertRefused(() -> registry.look(ref("m", 4)), Reason.STALE_EPOCH);
      assertThat(registry.find(ref("m", 5))).isPresent();
    }

    @Test
    void takesANewerOneAndRefusesTheFormerFromThenOn() {
      Part part = registry.getOrCreate(ref("m", 1), Part::new);
      assertThat(registry.get(ref("m", 2))).isSameAs(part);
      assertRefused(() -> registry.get(ref("m", 1)), Reason.STALE_EPOCH);
      assertThat(registry.getOrCreate(ref("m", 9), Part::new)).isSameAs(part);
      assertRefused(() -> registry.find(ref("m", 8)), Reason.STALE_EPOCH);
    }

    @Test
    void doesNotTakeANewerOneFromWhoOnlyLooks() {
      Part part = registry.getOrCreate(ref("m", 1), Part::new);
      assertThat(registry.look(ref("m", Long.MAX_VALUE))).isSameAs(part);
      assertThat(registry.get(ref("m", 1))).isSameAs(part);
    }

    @Test
    void keepsThemApartByMigration() {
      registry.getOrCreate(ref("m", 5), Part::new);
      assertThat(registry.getOrCreate(ref("n", 1), Part::new)).isNotNull();
    }
  }

  @Nested
  final class WhenFull {
    @Test
    void forgetsTheOldestThatIsOverAndNeverWhatIsNot() {
      Part alive = registry.getOrCreate(ref("alive", 1), Part::new);
      for (int i = 0; i < REMEMBERED - 1; i++) {
        registry.getOrCreate(ref("m-" + i, 1), Part::new).over.set(i < 2);
      }
      registry.getOrCreate(ref("one-more", 1), Part::new);
      assertThat(registry.find(ref("m-0", 1))).isEmpty();
      assertThat(registry.find(ref("m-1", 1))).isPresent();
      assertThat(registry.find(ref("alive", 1))).containsSame(alive);
      assertThat(registry.all()).hasSize(REMEMBERED);
    }

    @Test
    void growsRatherThanForgetWhatIsNotOver() {
      for (int i = 0; i <= REMEMBERED; i++) {
        registry.getOrCreate(ref("m-" + i, 1), Part::new);
      }
      assertThat(registry.all()).hasSize(REMEMBERED + 1);
      assertThat(registry.find(ref("m-0", 1))).isPresent();
    }
  }

  private static Part part(AtomicInteger made) {
    made.incrementAndGet();
    return new Part();
  }

  private static MigrationRef ref(String id, long epoch) {
    return new MigrationRef(id, epoch);
  }

  private static void assertRefused(ThrowingCallable call, Reason reason) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            LongshoreException.class, e -> assertThat(e.reason()).isEqualTo(reason));
  }
}
