package io.longshore.platform.error;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class ReasonTest {
  @ParameterizedTest
  @EnumSource
  void saysInSentencesWhatItMeansAndWhatToDo(Reason reason) {
    assertThat(reason.meaning()).matches("[A-Z].*\\.").doesNotContain("\n");
    assertThat(reason.remedy()).matches("[A-Z].*\\.").doesNotContain("\n");
  }

  @ParameterizedTest
  @EnumSource
  void hasAStatusThatIsAnErrorAndKnown(Reason reason) {
    assertThat(reason.statusCode()).isNotIn(Status.Code.OK, Status.Code.UNKNOWN);
  }

  @ParameterizedTest
  @EnumSource
  void isAFailedPreconditionIfThePlanFindsIt(Reason reason) {
    if (reason.kind() == Reason.Kind.OBSTACLE) {
      assertThat(reason.statusCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
    }
  }
}
