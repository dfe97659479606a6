package io.longshore.linux.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServiceAddressTest {
  @Test
  void readsAnAddressWithItsSubnet() throws Exception {
    ServiceAddress address = ServiceAddress.parse("10.200.2.255/22");
    assertThat(address.address()).isEqualTo(InetAddress.ofLiteral("10.200.2.255"));
    assertThat(address.prefixLength()).isEqualTo(22);
    assertThat(address)
        .hasToString("10.200.2.255/22")
        .isEqualTo(ServiceAddress.parse("10.200.2.255/22"));
    assertThat(address.number()).isEqualTo(0x0ac8_02ff);
    assertThat(address.hasInSubnet(InetAddress.ofLiteral("10.200.0.1"))).isTrue();
    assertThat(address.hasInSubnet(InetAddress.ofLiteral("10.200.4.1"))).isFalse();
    assertThat(address.hasInSubnet(InetAddress.ofLiteral("fe80::1"))).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"10.0.0.0/31", "10.0.0.1/31", "10.0.0.255/32", "192.168.1.1/1"})
  void takesSmallAndLargeSubnets(String text) {
    assertThat(ServiceAddress.parse(text)).hasToString(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "10.0.0.1",
        "10.0.0.1/",
        "10.0.0.1/0",
        "10.0.0.1/33",
        "10.0.0.1/-1",
        "10.0.0.1/024",
        "10.0.1/24",
        "010.0.0.1/24",
        "10.0.0.256/24",
        "host/24",
        "10.0.0.1/24 ",
        " 10.0.0.1/24",
        "10.0.0.0/24",
        "10.0.0.255/24",
        "0.0.0.0/32",
        "127.0.0.1/8",
        "224.0.0.5/24",
        "10.0.0.1;x/24"
      })
  void refusesWhatNoWorkloadCanHave(String text) {
    assertThatThrownBy(() -> ServiceAddress.parse(text))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void saysThatIpv6CannotMove() {
    assertThatThrownBy(() -> ServiceAddress.parse("fe80::1/64"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("'fe80::1/64' is an IPv6 address; only IPv4 addresses can move");
  }
}
