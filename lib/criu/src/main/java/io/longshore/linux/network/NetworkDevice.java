package io.longshore.linux.network;

import java.util.List;
import java.util.regex.Pattern;

/**
 * A device in a network namespace: loopback, or one end of a veth pair whose other end is on a
 * bridge of the host.
 *
 * @param name in the namespace
 * @param hardwareAddress {@code 02:00:0a:09:00:02}; empty for loopback
 * @param mtu bytes
 * @param up whether it is
 * @param bridge of the host; empty for loopback
 * @param addresses in the order in which they were given
 */
public record NetworkDevice(
    String name,
    String hardwareAddress,
    int mtu,
    boolean up,
    String bridge,
    List<DeviceAddress> addresses) {
  /** The name of the one that every namespace has. */
  public static final String LOOPBACK = "lo";

  // As linux/if.h: 15 bytes. No '-' first, which ip(8) takes for an option, no '/' and no blanks.
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}");
  private static final Pattern HARDWARE = Pattern.compile("[0-9a-f]{2}(:[0-9a-f]{2}){5}");

  /** Refuses what cannot be made: it may come from another host. */
  public NetworkDevice {
    DeviceAddress.check(isName(name), "device name", name);
    boolean loopback = name.equals(LOOPBACK);
    DeviceAddress.check(
        loopback ? hardwareAddress.isEmpty() : HARDWARE.matcher(hardwareAddress).matches(),
        "hardware address",
        hardwareAddress);
    DeviceAddress.check(mtu >= 68 && mtu <= 65_536, "MTU", "" + mtu);
    DeviceAddress.check(loopback ? bridge.isEmpty() : isName(bridge), "bridge", bridge);
    addresses = List.copyOf(addresses);
  }

  /** Whether it is loopback. */
  public boolean isLoopback() {
    return name.equals(LOOPBACK);
  }

  /** The same with its other end on another bridge. */
  public NetworkDevice onBridge(String other) {
    return new NetworkDevice(name, hardwareAddress, mtu, up, other, addresses);
  }

  /** Whether it can be the name of a device. */
  static boolean isName(String text) {
    return NAME.matcher(text).matches();
  }
}
