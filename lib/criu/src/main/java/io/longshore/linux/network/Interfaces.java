package io.longshore.linux.network;

import java.io.IOException;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
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

  /**
   * Takes an address from an interface, and no other. Does nothing if the interface does not have
   * it.
   *
   * <p>Of several addresses of one subnet the first is the primary one, and with it the kernel
   * takes away all others unless it may promote one of them (ip-sysctl, promote_secondaries). So
   * that is allowed meanwhile.
   */
  public static void remove(ServiceAddress address, String name) throws IOException {
    if (!withAddress(address).equals(Optional.of(name))) {
      return;
    }
    Path promote = Path.of("/proc/sys/net/ipv4/conf", name, "promote_secondaries");
    boolean allow =
        Files.readString(promote).strip().equals("0") && hasOthersInSubnet(address, name);
    if (allow) {
      Files.writeString(promote, "1");
    }
    try {
      Program.run(List.of("ip", "address", "delete", address.toString(), "dev", name), "");
    } finally {
      if (allow) {
        Files.writeString(promote, "0");
      }
    }
  }

  private static boolean hasOthersInSubnet(ServiceAddress address, String name) throws IOException {
    NetworkInterface found = NetworkInterface.getByName(name);
    return found != null
        && found.getInterfaceAddresses().stream()
            .map(InterfaceAddress::getAddress)
            .anyMatch(other -> !other.equals(address.address()) && address.hasInSubnet(other));
  }
}
