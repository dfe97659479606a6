package io.longshore.target.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.util.Durations;
import io.grpc.stub.StreamObserver;
import io.longshore.platform.error.LongshoreException;
import io.longshore.transfer.v1.ProbeLinkRequest;
import io.longshore.transfer.v1.ProbeLinkResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;

final class LinkProbeStreamTest {
  private static final ByteString MEBIBYTE = ByteString.copyFrom(new byte[1 << 20]);

  private final Semaphore places = new Semaphore(1);
  private final List<ProbeLinkResponse> answers = new ArrayList<>();
  private int completed;
  private long now = 1_000;
  private final LinkProbeStream stream =
      new LinkProbeStream(
          new StreamObserver<>() {
            @Override
            public void onNext(ProbeLinkResponse response) {
              answers.add(response);
            }

            @Override
            public void onError(Throwable failure) {
              throw new AssertionError(failure);
            }

            @Override
            public void onCompleted() {
              completed++;
            }
          },
          places,
          () -> now);

  private void receive(long afterMillis, boolean measured) {
    now += afterMillis * 1_000_000;
    stream.onNext(ProbeLinkRequest.newBuilder().setMeasured(measured).setPayload(MEBIBYTE).build());
  }

  @Test
  void measuresFromTheLastMessageOfTheWarmUpToTheLastOne() {
    receive(100, false);
    receive(30, false);
    receive(10, true);
    receive(10, true);
    now += 50_000_000;
    stream.onCompleted();

    assertThat(answers)
        .containsExactly(
            ProbeLinkResponse.newBuilder()
                .setMeasuredBytes(2 << 20)
                .setMeasuredTime(Durations.fromMillis(20))
                .build());
    assertThat(completed).isOne();
    assertThat(places.availablePermits()).isOne();
  }

  @Test
  void takesNoMoreThan64MebibytesWhateverComes() {
    for (int i = 0; i < 100; i++) {
      receive(0, true);
    }
    stream.onCompleted();

    assertThat(answers).hasSize(1);
    assertThat(answers.getFirst().getMeasuredBytes()).isEqualTo(64 << 20);
    assertThat(completed).isOne();
    assertThat(places.availablePermits()).isOne();
  }

  @Test
  void takesNoLongerThanHalfASecond() {
    receive(0, false);
    receive(499, true);
    assertThat(answers).isEmpty();
    receive(1, true);

    assertThat(answers).hasSize(1);
    assertThat(places.availablePermits()).isOne();
  }

  @Test
  void isOverAtItsTimeThoughNothingComes() {
    stream.expire();
    stream.expire();
    stream.onCompleted();

    assertThat(answers).hasSize(1);
    assertThat(completed).isOne();
    assertThat(places.availablePermits()).isOne();
  }

  @Test
  void refusesALongMessage() {
    ProbeLinkRequest tooLong =
        ProbeLinkRequest.newBuilder()
            .setPayload(MEBIBYTE.concat(ByteString.copyFromUtf8("x")))
            .build();
    assertThatThrownBy(() -> stream.onNext(tooLong))
        .isInstanceOf(LongshoreException.class)
        .hasMessageContaining("a payload");
  }

  @Test
  void onlySoManyAreUnderWayAtOnce() {
    StreamObserver<ProbeLinkResponse> nobody =
        new StreamObserver<>() {
          @Override
          public void onNext(ProbeLinkResponse response) {}

          @Override
          public void onError(Throwable failure) {}

          @Override
          public void onCompleted() {}
        };
    assertThatThrownBy(() -> new LinkProbeStream(nobody, places, () -> now))
        .isInstanceOf(LongshoreException.class)
        .hasMessageContaining("are under way");
    stream.onError(new IllegalStateException("cut"));
    LinkProbeStream next = new LinkProbeStream(nobody, places, () -> now);
    assertThat(places.availablePermits()).isZero();
    next.end();
    next.end();
    assertThat(places.availablePermits()).isOne();
  }
}
