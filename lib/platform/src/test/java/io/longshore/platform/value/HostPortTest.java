package io.longshore.platform.value;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class HostPortTest {
  @ParameterizedTest
  @ValueSource(strings = {"10.77.0.2:7700", "localhost:0", "[::1]:65535", "node-a.example:1"})
  void writesWhatItReads(String text) {
    assertThat(HostPort.parse(text)).hasToString(text);
  }

  @Test
  void readsAnIpv6AddressWithoutItsBrackets() {
    assertThat(HostPort.parse("[fe80::2]:7700")).isEqualTo(new HostPort("fe80::2", 7700));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "7700",
        "host",
        "host:",
        ":7700",
        "::1:7700",
        "host:65536",
        "host:-1",
        "host:+1",
        "host:７",
        "ho st:1",
        "[]:1",
        "http://host:1",
        "host:000001"
      })
  void refusesWhatIsNoHostAndPort(String text) {
    assertThatIllegalArgumentException().isThrownBy(() -> HostPort.parse(text));
  }
}
