package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HostFactsTest {
  @Test
  void agreesWithTheHostsOwnTools() throws Exception {
    HostFacts facts = HostFacts.read();

    assertThat(facts.architecture()).isEqualTo(Child.run("uname", "-m"));
    assertThat(facts.kernelRelease()).isEqualTo(Child.run("uname", "-r"));
    assertThat(Integer.toString(facts.processors())).isEqualTo(Child.run("nproc"));
    assertThat(facts.processorFeatures()).contains("fpu", "sse2").doesNotContain("");
    assertThat(facts.availableMemoryBytes()).isBetween(1L << 20, facts.totalMemoryBytes());
    assertThat(HostFacts.availableMemory()).isBetween(1L << 20, facts.totalMemoryBytes());
  }

  @Test
  void knowsThatThisKernelCanTrackWrites() throws Exception {
    UserfaultfdFacts userfaultfd = HostFacts.read().userfaultfd();
    assertThat(userfaultfd.available()).isTrue();
    assertThat(userfaultfd.features() & UserfaultfdFacts.WRITE_PROTECT).isNotZero();
    assertThat(userfaultfd.tracksWrites()).isTrue();
  }
}
