package io.longshore.linux.network;

import io.longshore.linux.network.NftSets.NftSet;
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
 * <p>{@link #prepare} and {@link #release} run a program; what is between them, while clients wait,
 * does not. Each method is one atomic change and may be repeated.
 */
public final class AddressLock {
  private static final String PREFIX = "longshore_";

  private static final String INCOMING = "closed_incoming";
  private static final String OUTGOING = "closed_outgoing";

  /** Addresses that were closed and are not any more. */
  private static final String OPENED_INCOMING = "opened_incoming";

  private static final String OPENED_OUTGOING = "opened_outgoing";

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

  /** Makes everything ready; keeps nothing yet. */
  public void prepare() throws IOException {
    nft(tablesAnew());
  }

  /** As {@link #prepare} and {@link #seal}, with no moment between in which an address is open. */
  public void prepareSealed(Collection<ServiceAddress> addresses) throws IOException {
    String elements =
        addresses.stream()
            .map(address -> address.address().getHostAddress())
            .collect(Collectors.joining(", ", "{ ", " }"));
    nft(
        tablesAnew()
            + """
            add element inet %1$s closed_incoming %2$s
            add element inet %1$s closed_outgoing %2$s
            add element arp %1$s closed_outgoing %2$s
            """
                .formatted(table, elements));
  }

  /** From now on nothing that arrives for the addresses reaches a socket. */
  public void holdIncoming(Collection<ServiceAddress> addresses) throws IOException {
    NftSets.add(List.of(incoming()), addresses);
  }

  /** From now on nothing arrives, nothing leaves, and ARP does not answer for the addresses. */
  public void seal(Collection<ServiceAddress> addresses) throws IOException {
    NftSets.add(
        List.of(
            incoming(),
            new NftSet(NftSets.INET, table, OUTGOING),
            new NftSet(NftSets.ARP, table, OUTGOING)),
        addresses);
  }

  /**
   * From now on everything may leave and ARP answers, until it is prepared anew; what arrives is
   * still kept out.
   */
  public void letOut(Collection<ServiceAddress> addresses) throws IOException {
    NftSets.add(openedOutgoing(), addresses);
  }

  /**
   * From now on everything passes again, until it is prepared anew: who is opened is written down,
   * because to take out who was closed takes the kernel five times as long.
   */
  public void open(Collection<ServiceAddress> addresses) throws IOException {
    List<NftSet> opened = new ArrayList<>(openedOutgoing());
    opened.add(new NftSet(NftSets.INET, table, OPENED_INCOMING));
    NftSets.add(opened, addresses);
  }

  /** Removes every trace of the lock, if there is any. */
  public void release() throws IOException {
    // Adding first makes the removal of what is not there no error.
    nft(
        """
        add table inet %1$s
        delete table inet %1$s
        add table arp %1$s
        delete table arp %1$s
        """
            .formatted(table));
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

  private NftSet incoming() {
    return new NftSet(NftSets.INET, table, INCOMING);
  }

  private String tablesAnew() {
    return """
        add table inet %1$s
        delete table inet %1$s
        add table arp %1$s
        delete table arp %1$s
        add table inet %1$s
        add set inet %1$s closed_incoming { type ipv4_addr; }
        add set inet %1$s closed_outgoing { type ipv4_addr; }
        add set inet %1$s opened_incoming { type ipv4_addr; }
        add set inet %1$s opened_outgoing { type ipv4_addr; }
        add chain inet %1$s incoming { type filter hook prerouting priority raw; }
        add rule inet %1$s incoming ip daddr @opened_incoming accept
        add rule inet %1$s incoming ip daddr @closed_incoming drop
        add chain inet %1$s outgoing { type filter hook output priority raw; }
        add rule inet %1$s outgoing ip saddr @opened_outgoing accept
        add rule inet %1$s outgoing ip saddr @closed_outgoing drop
        add table arp %1$s
        add set arp %1$s closed_outgoing { type ipv4_addr; }
        add set arp %1$s opened_outgoing { type ipv4_addr; }
        add chain arp %1$s outgoing { type filter hook output priority 0; }
        add rule arp %1$s outgoing arp saddr ip @opened_outgoing accept
        add rule arp %1$s outgoing arp saddr ip @closed_outgoing drop
        """
        .formatted(table);
  }

  private List<NftSet> openedOutgoing() {
    return List.of(
        new NftSet(NftSets.INET, table, OPENED_OUTGOING),
        new NftSet(NftSets.ARP, table, OPENED_OUTGOING));
  }

  private static void nft(String commands) throws IOException {
    Program.run(List.of("nft", "-f", "-"), commands);
  }
}
