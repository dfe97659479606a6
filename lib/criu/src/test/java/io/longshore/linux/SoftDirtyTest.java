package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** On kernels with the bits and without; see also {@code deploy/test-soft-dirty}. */
class SoftDirtyTest {
  @Test
  void theAnswerStays() {
    assertThat(SoftDirty.isReliable()).isEqualTo(SoftDirty.isReliable());
  }
}
