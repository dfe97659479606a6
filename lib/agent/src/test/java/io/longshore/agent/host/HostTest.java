package io.longshore.agent.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.agent.host.AgentIdentity.Role;
import io.longshore.criu.CriuVersion;
import io.longshore.criu.run.Criu;
import io.longshore.platform.value.HostPort;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class HostTest {
  @TempDir Path folder;

  @Test
  void hasNoCriuWhereThereIsNone() throws Exception {
    assertThat(Host.look(folder.resolve("criu"))).isEqualTo(new Host(Optional.empty(), false));
  }

  @Test
  void doesNotTakeAnotherProgramForCriu() throws Exception {
    assertThat(Host.look(script("echo some other program")))
        .isEqualTo(new Host(Optional.empty(), false));
  }

  @Test
  void leavesOutACriuThatDoesNotWorkHere() throws Exception {
    Path criu =
        script(
            "[ \"$1\" = --version ] && echo 'Version: 4.2.1' && exit 0; echo 'Error: no kernel'; exit 1");
    assertThat(Host.look(criu)).isEqualTo(new Host(Optional.empty(), false));
  }

  @Test
  void takesACriuThatWorks() throws Exception {
    Path criu =
        script(
            "[ \"$1\" = --version ] && echo 'Version: 4.2.1' && exit 0; echo 'Looks good.'; exit 0");
    Host host = Host.look(criu);
    assertThat(host.criu().map(Criu::executable)).contains(criu);
    assertThat(host.facts(List.of("process")).criuVersion()).isEqualTo("4.2.1");
  }

  @Test
  void saysWhatTheKernelSays() throws Exception {
    NodeFacts facts = new Host(Optional.empty(), false).facts(List.of("process"));
    assertThat(facts.kernelRelease())
        .isEqualTo(Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip());
    assertThat(facts.criuVersion()).isEmpty();
    assertThat(facts.lazyRestore()).isFalse();
    assertThat(facts.cpuFeatures()).isNotEmpty();
    assertThat(facts.availableBytes()).isBetween(1L << 20, facts.totalBytes());
  }

  @Test
  void saysTheVersionOfItsCriuAndThatItRestoresLazily() {
    Criu criu = new Criu(Path.of("/criu"), new CriuVersion(4, 1, 1));
    NodeFacts facts = new Host(Optional.of(criu), true).facts(List.of("process"));
    assertThat(facts.criuVersion()).isEqualTo("4.1.1");
    assertThat(facts.lazyRestore()).isTrue();
  }

  @Test
  void factsDoNotChangeWithTheSetTheyWereMadeOf() {
    Set<String> features = new HashSet<>(Set.of("avx"));
    NodeFacts facts = new NodeFacts("x86_64", features, "6", "", false, List.of(), 1, 2);
    features.add("sse2");
    assertThat(facts.cpuFeatures()).containsExactly("avx");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0.0.0", "::"})
  void anAgentThatNobodyCouldReachIsRefused(String host) {
    assertThatThrownBy(() -> new AgentIdentity("a", Role.SOURCE, new HostPort(host, 1), "1"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("listen");
  }

  @Test
  void anAgentWithoutANodeIsRefused() {
    assertThatThrownBy(() -> new AgentIdentity("", Role.SOURCE, new HostPort("127.0.0.1", 1), "1"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private Path script(String body) throws Exception {
    Path script = folder.resolve("criu");
    Files.writeString(script, "#!/bin/sh\n" + body + "\n");
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
    return script;
  }
}
