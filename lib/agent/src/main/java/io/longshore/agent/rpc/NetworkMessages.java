package io.longshore.agent.rpc;

import io.longshore.agent.v1.ContainerAddress;
import io.longshore.agent.v1.ContainerDevice;
import io.longshore.agent.v1.ContainerRoute;
import io.longshore.linux.network.ContainerNetwork;
import io.longshore.linux.network.DeviceAddress;
import io.longshore.linux.network.NetworkDevice;
import io.longshore.linux.network.NetworkRoute;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.util.Set;
import java.util.TreeMap;

/** Between messages and networks of containers. What cannot be is INVALID_ARGUMENT. */
public final class NetworkMessages {
  private NetworkMessages() {}

  /** A network as a message. */
  public static io.longshore.agent.v1.ContainerNetwork network(ContainerNetwork network) {
    var message =
        io.longshore.agent.v1.ContainerNetwork.newBuilder().putAllSettings(network.settings());
    for (NetworkDevice device : network.devices()) {
      var made =
          ContainerDevice.newBuilder()
              .setName(device.name())
              .setHardwareAddress(device.hardwareAddress())
              .setMtu(device.mtu())
              .setUp(device.up())
              .setBridge(device.bridge());
      for (DeviceAddress address : device.addresses()) {
        made.addAddresses(
            ContainerAddress.newBuilder()
                .setAddress(address.address())
                .setPrefixLength(address.prefixLength())
                .setPeer(address.peer())
                .setBroadcast(address.broadcast())
                .setScope(address.scope())
                .setLabel(address.label())
                .setValidSeconds(address.validSeconds())
                .setPreferredSeconds(address.preferredSeconds())
                .addAllFlags(address.flags()));
      }
      message.addDevices(made);
    }
    for (NetworkRoute route : network.routes()) {
      var made =
          ContainerRoute.newBuilder()
              .setIpv6(route.ipv6())
              .setKind(route.kind())
              .setDestination(route.destination())
              .setGateway(route.gateway())
              .setDevice(route.device())
              .setProtocol(route.protocol())
              .setScope(route.scope())
              .setSource(route.source())
              .setOnLink(route.onLink());
      if (route.metric() >= 0) {
        made.setMetric(route.metric());
      }
      message.addRoutes(made);
    }
    return message.build();
  }

  /** A network from a message. */
  public static ContainerNetwork network(io.longshore.agent.v1.ContainerNetwork message) {
    try {
      return new ContainerNetwork(
          message.getDevicesList().stream().map(NetworkMessages::device).toList(),
          message.getRoutesList().stream().map(NetworkMessages::route).toList(),
          new TreeMap<>(message.getSettingsMap()));
    } catch (IllegalArgumentException e) {
      throw new LongshoreException(Reason.INVALID_ARGUMENT, "facts.network: " + e.getMessage(), e);
    }
  }

  private static NetworkDevice device(ContainerDevice message) {
    return new NetworkDevice(
        message.getName(),
        message.getHardwareAddress(),
        message.getMtu(),
        message.getUp(),
        message.getBridge(),
        message.getAddressesList().stream()
            .map(
                address ->
                    new DeviceAddress(
                        address.getAddress(),
                        address.getPrefixLength(),
                        address.getPeer(),
                        address.getBroadcast(),
                        address.getScope(),
                        address.getLabel(),
                        address.getValidSeconds(),
                        address.getPreferredSeconds(),
                        Set.copyOf(address.getFlagsList())))
            .toList());
  }

  private static NetworkRoute route(ContainerRoute message) {
    return new NetworkRoute(
        message.getIpv6(),
        message.getKind(),
        message.getDestination(),
        message.getGateway(),
        message.getDevice(),
        message.getProtocol(),
        message.getScope(),
        message.getSource(),
        message.hasMetric() ? message.getMetric() : -1,
        message.getOnLink());
  }
}
