package io.longshore.linux.network;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Keeps packets from and for a workload's addresses while nobody may answer for it: nftables tables
 * of this migration's own, so that they are known and removed whatever happens to the agent.
 * nft(8).
 *
 * <p>Each method is one atomic change and may be repeated.
 */
public final class AddressLock {
  private static final String PREFIX = "longshore_";

  private final String table;

  /**
   * @param migration letters, digits and '-'
   */
  public AddressLock(String migration) {
    if (!migration.matches("[A-Za-z0-9-]{1,64}")) {
      throw new IllegalArgumentException("not the name of a migration: " + migration);
    }
    this.table = PREFIX + migration.replace('-', '_');
  }

  /** From now on nothing that arrives for the addresses reaches a socket. */
  public void holdIncoming(Collection<ServiceAddress> addresses) throws IOException {
    nft(removed() + incoming(addresses));
  }

  /** From now on nothing arrives, nothing leaves, and ARP does not answer for the addresses. */
  public void seal(Collection<ServiceAddress> addresses) throws IOException {
    String set = set(addresses);
    nft(
        removed()
            + incoming(addresses)
            + """
            add chain inet %1$s outgoing { type filter hook output priority raw; }
            add rule inet %1$s outgoing ip saddr %2$s drop
            add table arp %1$s
            add chain arp %1$s outgoing { type filter hook output priority 0; }
            add rule arp %1$s outgoing arp saddr ip %2$s drop
            """
                .formatted(table, set));
  }

  /** Removes every trace of the lock. */
  public void release() throws IOException {
    nft(removed());
  }

  /** The names of all tables that migrations have now, dead ones included. */
  public static List<String> tables() throws IOException {
    List<String> names = new ArrayList<>();
    for (String line : Program.run(List.of("nft", "list", "tables"), "").lines().toList()) {
      String[] words = line.strip().split(" ", -1);
      if (words.length == 3 && words[2].startsWith(PREFIX)) {
        names.add(words[1] + " " + words[2]);
      }
    }
    return names;
  }

  /**
   * The migration of a table, as {@link #tables} gives it.
   *
   * @return empty if it is none's
   */
  public static Optional<String> migration(String table) {
    String name = table.substring(table.lastIndexOf(' ') + 1);
    return name.startsWith(PREFIX)
        ? Optional.of(name.substring(PREFIX.length()).replace('_', '-'))
        : Optional.empty();
  }

  private String incoming(Collection<ServiceAddress> addresses) {
    return """
        add table inet %1$s
        add chain inet %1$s incoming { type filter hook prerouting priority raw; }
        add rule inet %1$s incoming ip daddr %2$s drop
        """
        .formatted(table, set(addresses));
  }

  /** Adding first makes the removal of what is not there no error. */
  private String removed() {
    return """
        add table inet %1$s
        delete table inet %1$s
        add table arp %1$s
        delete table arp %1$s
        """
        .formatted(table);
  }

  private static String set(Collection<ServiceAddress> addresses) {
    return addresses.stream()
        .map(address -> address.address().getHostAddress())
        .collect(Collectors.joining(", ", "{ ", " }"));
  }

  private static void nft(String commands) throws IOException {
    Program.run(List.of("nft", "-f", "-"), commands);
  }
}
