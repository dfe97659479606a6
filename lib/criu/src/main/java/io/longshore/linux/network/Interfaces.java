package io.longshore.linux.network;

import java.io.IOException;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.util.List;
import java.util.Optional;

/** Which interface of this host has an address, and giving and taking it; ip-address(8). */
public final class Interfaces {
  private Interfaces() {}

  /** The interface that has the address. */
  public static Optional<String> withAddress(ServiceAddress address) throws IOException {
    NetworkInterface found = NetworkInterface.getByInetAddress(address.address());
    return Optional.ofNullable(found).map(NetworkInterface::getName);
  }

  /** An interface that is up and has another address of the same subnet. */
  public static Optional<String> inSubnet(ServiceAddress address) throws IOException {
    for (NetworkInterface candidate : NetworkInterface.networkInterfaces().toList()) {
      if (!candidate.isUp() || candidate.isLoopback()) {
        continue;
      }
      for (InterfaceAddress other : candidate.getInterfaceAddresses()) {
        if (!other.getAddress().equals(address.address())
            && address.hasInSubnet(other.getAddress())) {
          return Optional.of(candidate.getName());
        }
      }
    }
    return Optional.empty();
  }

  /** Gives an address to an interface. Does nothing if the interface has it. */
  public static void assign(ServiceAddress address, String name) throws IOException {
    if (!withAddress(address).equals(Optional.of(name))) {
      Program.run(List.of("ip", "address", "add", address.toString(), "dev", name), "");
    }
  }

  /** Takes an address from an interface. Does nothing if the interface does not have it. */
  public static void remove(ServiceAddress address, String name) throws IOException {
    if (withAddress(address).equals(Optional.of(name))) {
      Program.run(List.of("ip", "address", "delete", address.toString(), "dev", name), "");
    }
  }
}
