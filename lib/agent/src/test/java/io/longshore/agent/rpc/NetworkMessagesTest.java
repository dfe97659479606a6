package io.longshore.agent.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.linux.network.ContainerNetwork;
import io.longshore.linux.network.DeviceAddress;
import io.longshore.linux.network.NetworkDevice;
import io.longshore.linux.network.NetworkRoute;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class NetworkMessagesTest {
  private static final ContainerNetwork NETWORK =
      new ContainerNetwork(
          List.of(
              new NetworkDevice("lo", "", 65_536, true, "", List.of()),
              new NetworkDevice(
                  "eth0",
                  "02:00:0a:58:00:05",
                  1400,
                  true,
                  "br0",
                  List.of(
                      new DeviceAddress(
                          "10.88.0.5",
                          24,
                          "10.88.0.7",
                          "10.88.0.255",
                          "global",
                          "eth0:1",
                          DeviceAddress.FOREVER,
                          100,
                          Set.of("noprefixroute")),
                      new DeviceAddress(
                          "fd00::5",
                          64,
                          "",
                          "",
                          "global",
                          "",
                          DeviceAddress.FOREVER,
                          DeviceAddress.FOREVER,
                          Set.of())))),
          List.of(
              new NetworkRoute(
                  false,
                  "unicast",
                  "default",
                  "10.88.0.1",
                  "eth0",
                  "static",
                  "link",
                  "10.88.0.5",
                  0,
                  true),
              new NetworkRoute(true, "blackhole", "fd01::/64", "", "lo", "", "", "", -1, false)),
          new TreeMap<>(Map.of("ipv4/conf/eth0/rp_filter", "2")));

  @Test
  void aNetworkIsTheSameOnTheOtherSide() {
    assertThat(NetworkMessages.network(NetworkMessages.network(NETWORK))).isEqualTo(NETWORK);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-x",
        "eth 0",
        "eth0\nlink delete br0",
        "a-name-that-is-too-long",
        "../x",
        "é"
      })
  void namesThatCannotBeADevicesAreRefused(String name) {
    refused(message -> message.getDevicesBuilder(1).setName(name));
    refused(message -> message.getDevicesBuilder(1).setBridge(name));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../../kernel/core_pattern",
        "ipv4/../../kernel/panic",
        "/etc/passwd",
        "ipv4",
        "ipv4/conf/..",
        "ipv4/.x",
        ""
      })
  void settingsThatLeadElsewhereAreRefused(String path) {
    refused(message -> message.putSettings(path, "1"));
  }

  @Test
  void whatIsNoAddressOrRouteIsRefused() {
    refused(message -> address(message).setAddress("example.org"));
    refused(message -> address(message).setAddress("10.88.0.5 dev lo"));
    refused(message -> address(message).setPrefixLength(33));
    refused(message -> address(message).setScope("global\nx"));
    refused(message -> address(message).addFlags("up"));
    refused(message -> message.getDevicesBuilder(1).setHardwareAddress("02:00"));
    refused(message -> message.getDevicesBuilder(1).setMtu(0));
    refused(message -> message.getRoutesBuilder(0).setKind("local"));
    refused(message -> message.getRoutesBuilder(0).setDestination("10.0.0.0/x"));
    refused(message -> message.getRoutesBuilder(0).setGateway("fd00::1"));
    refused(message -> message.getRoutesBuilder(0).setDevice("eth1"));
    refused(message -> message.putSettings("ipv4/ip_forward", "1\u0000"));
    refused(message -> message.removeDevices(0));
  }

  private static io.longshore.agent.v1.ContainerAddress.Builder address(
      io.longshore.agent.v1.ContainerNetwork.Builder message) {
    return message.getDevicesBuilder(1).getAddressesBuilder(0);
  }

  private static void refused(Consumer<io.longshore.agent.v1.ContainerNetwork.Builder> change) {
    var message = NetworkMessages.network(NETWORK).toBuilder();
    change.accept(message);
    assertThatThrownBy(() -> NetworkMessages.network(message.build()))
        .isInstanceOfSatisfying(
            LongshoreException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_ARGUMENT));
  }
}
