package io.longshore.platform.error;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

final class LongshoreExceptionTest {
  @Test
  void keepsCauseAndStackTraceWhenMoreIsAdded() {
    Exception cause = new Exception("why");
    LongshoreException plain = new LongshoreException(Reason.INTERNAL, "what", cause);
    LongshoreException more = plain.with("node", "b").withCriuLog(List.of("Error (x.c:1)"));

    assertThat(more).hasMessage("what").hasCause(cause);
    assertThat(more.getStackTrace()).isEqualTo(plain.getStackTrace());
    assertThat(more.metadata()).containsEntry("node", "b");
    assertThat(more.criuLog()).containsExactly("Error (x.c:1)");
    assertThat(plain.metadata()).isEmpty();
    assertThat(plain.criuLog()).isEmpty();
  }

  @Test
  void namesAllProblemsInItsMessageAndTheFirstAsItsReason() {
    LongshoreException several =
        LongshoreException.of(
            List.of(
                new Problem(Reason.PID_TAKEN, "pid 5 is taken"),
                new Problem(Reason.FILE_MISSING, "/a is missing")));

    assertThat(several).hasMessage("pid 5 is taken; /a is missing");
    assertThat(several.reason()).isEqualTo(Reason.PID_TAKEN);
  }

  @Test
  void refusesToBeWithoutAProblem() {
    assertThatIllegalArgumentException().isThrownBy(() -> LongshoreException.of(List.of()));
  }
}
