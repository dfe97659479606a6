package io.longshore.platform.value;

/**
 * A host name or address with a TCP port, written {@code host:port}; IPv6 addresses are written in
 * brackets.
 *
 * @param host name, IPv4 or IPv6 address, without brackets
 * @param port 0 to 65535; 0 lets the kernel choose where a server listens
 */
public record HostPort(String host, int port) {
  /** Refuses an empty host and a port out of range. */
  public HostPort {
    if (host.isEmpty()
        || host.chars().anyMatch(c -> c <= ' ' || c == '[' || c == ']' || c == '/')) {
      throw new IllegalArgumentException("not a host name or address: '" + host + "'");
    }
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException("not a port (0 to 65535): " + port);
    }
  }

  /**
   * Reads {@code host:port} or {@code [v6]:port}.
   *
   * @throws IllegalArgumentException saying what is expected, if it is something else
   */
  public static HostPort parse(String text) {
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? "" : text.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    } else if (host.indexOf(':') >= 0) {
      throw new IllegalArgumentException(
          "expected host:port with an IPv6 address in brackets, found '" + text + "'");
    }
    String port = text.substring(colon + 1);
    if (host.isEmpty()
        || port.isEmpty()
        || port.length() > 5
        || !port.chars().allMatch(HostPort::isDigit)) {
      throw new IllegalArgumentException("expected host:port, found '" + text + "'");
    }
    return new HostPort(host, Integer.parseInt(port));
  }

  /** The same host with another port. */
  public HostPort withPort(int otherPort) {
    return new HostPort(host, otherPort);
  }

  @Override
  public String toString() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }

  private static boolean isDigit(int c) {
    return c >= '0' && c <= '9';
  }
}
