package io.longshore.platform.tls;

import io.longshore.platform.config.ConfigurationException;
import io.longshore.platform.value.HostPort;

/**
 * No certificates: nobody is known, so everybody who can reach the port may make every call. Only
 * for addresses that other machines cannot reach, and only for who asked for it.
 */
public record PlaintextOnLoopback() implements Credentials {
  /**
   * Refuses an address that other machines may reach.
   *
   * @param what would use it, for the message: "coordinator would listen"
   */
  public void check(String what, HostPort address) {
    if (!isLoopback(address.host())) {
      throw new ConfigurationException(
          what
              + " on "
              + address
              + " without TLS, which is only for loopback addresses: name a folder with"
              + " certificates (tls.folder), or use 127.0.0.1");
    }
  }

  // Names are not looked up: what they mean can change.
  private static boolean isLoopback(String host) {
    return host.equals("localhost") || host.equals("::1") || host.matches("127(\\.[0-9]{1,3}){3}");
  }
}
