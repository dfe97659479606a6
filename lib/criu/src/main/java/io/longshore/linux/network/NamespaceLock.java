package io.longshore.linux.network;

import io.longshore.linux.network.NftSets.NftSet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Keeps packets from and for a whole network namespace while nobody may answer in it, loopback
 * included: nftables tables of this migration's own inside of the namespace, since what is bridged
 * never passes the host's. The namespace can be nobody's but the workload's. nft(8).
 *
 * <p>{@link #prepare} and {@link #release} run a program; what is between them, while clients wait,
 * does not. Each method is one atomic change and may be repeated.
 */
public final class NamespaceLock {
  private static final String PREFIX = "longshore-container-";

  // What of a protocol family is closed, and was closed and is not any more.
  private static final String INCOMING = "closed_incoming";
  private static final String OUTGOING = "closed_outgoing";
  private static final String OPENED_INCOMING = "opened_incoming";
  private static final String OPENED_OUTGOING = "opened_outgoing";

  /** linux/netfilter.h: NFPROTO_IPV4, NFPROTO_IPV6. */
  private static final List<byte[]> OF_INET = List.of(new byte[] {2}, new byte[] {10});

  /** For what ARP is asked: IPv4, as Ethernet names it. */
  private static final List<byte[]> OF_ARP = List.of(new byte[] {8, 0});

  private final NetworkNamespace namespace;
  private final String table;

  /**
   * @param namespace that the caller keeps open
   * @param migration letters, digits and '-'
   */
  public NamespaceLock(NetworkNamespace namespace, String migration) {
    this.namespace = namespace;
    this.table = table(migration);
  }

  /** Makes everything ready; keeps nothing yet. */
  public void prepare() throws IOException {
    nft(tablesAnew());
  }

  /** As {@link #prepare} and {@link #seal}, with no moment between in which it is open. */
  public void prepareSealed() throws IOException {
    nft(
        tablesAnew()
            + """
            add element inet %1$s closed_incoming { ipv4, ipv6 }
            add element inet %1$s closed_outgoing { ipv4, ipv6 }
            add element arp %1$s closed_outgoing { ip }
            """
                .formatted(table));
  }

  /**
   * From now on nothing that arrives reaches a socket, but what comes from the namespace itself:
   * its processes may run still, and take what is sent over loopback for safe.
   */
  public void holdIncoming() throws IOException {
    add(of(NftSets.INET, INCOMING));
  }

  /**
   * From now on nothing arrives, nothing leaves, loopback included, and neither ARP nor neighbour
   * discovery answers. A process that sends nevertheless is told {@code EPERM}.
   */
  public void seal() throws IOException {
    add(of(NftSets.INET, INCOMING), of(NftSets.INET, OUTGOING), of(NftSets.ARP, OUTGOING));
  }

  /**
   * From now on everything may leave, and ARP and neighbour discovery answer, until it is prepared
   * anew; what else arrives is still kept out.
   */
  public void letOut() throws IOException {
    add(of(NftSets.INET, OPENED_OUTGOING), of(NftSets.ARP, OPENED_OUTGOING));
  }

  /**
   * From now on everything passes again, until it is prepared anew: what is opened is written down,
   * because to take out what was closed takes the kernel longer.
   */
  public void open() throws IOException {
    add(
        of(NftSets.INET, OPENED_INCOMING),
        of(NftSets.INET, OPENED_OUTGOING),
        of(NftSets.ARP, OPENED_OUTGOING));
  }

  /** Removes every trace of the lock, if there is any. */
  public void release() throws IOException {
    nft(removal());
  }

  /**
   * Finds the locks in all namespaces of processes but the calling thread's own.
   *
   * @return for each migration a process in a namespace that it has locked
   */
  public static SortedMap<String, Integer> find() throws IOException {
    SortedMap<String, Integer> found = new TreeMap<>();
    forEachNamespace(
        (namespace, pid) -> {
          for (String table : tables(namespace)) {
            migration(table).ifPresent(migration -> found.put(migration, pid));
          }
        });
    return found;
  }

  /** Releases all locks of a migration that {@link #find} finds. */
  public static void releaseAll(String migration) throws IOException {
    String table = table(migration);
    forEachNamespace(
        (namespace, pid) -> {
          if (tables(namespace).contains("inet " + table)) {
            new NamespaceLock(namespace, migration).release();
          }
        });
  }

  /** What is done in each of several namespaces. */
  private interface Visit {
    void to(NetworkNamespace namespace, int pid) throws IOException;
  }

  private static void forEachNamespace(Visit visit) throws IOException {
    Set<String> seen = new HashSet<>();
    try (NetworkNamespace own = NetworkNamespace.current()) {
      seen.add(own.identity());
    }
    for (int pid : processes()) {
      try (NetworkNamespace namespace = NetworkNamespace.ofProcess(pid)) {
        if (seen.add(namespace.identity())) {
          visit.to(namespace, pid);
        }
      } catch (IOException e) {
        if (Files.isReadable(Path.of("/proc", "" + pid, "ns/net"))) {
          throw e;
        }
        // It has ended meanwhile, or is a zombie: it has no namespace.
      }
    }
  }

  private static List<Integer> processes() throws IOException {
    try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
      return processes
          .map(path -> path.getFileName().toString())
          .filter(name -> name.matches("[0-9]+"))
          .map(Integer::valueOf)
          .toList();
    }
  }

  /** The tables of a namespace, each as "inet filter". */
  static List<String> tables(NetworkNamespace namespace) throws IOException {
    return namespace
        .run(List.of("nft", "list", "tables"), "")
        .lines()
        .map(String::strip)
        .filter(line -> line.startsWith("table "))
        .map(line -> line.substring("table ".length()))
        .toList();
  }

  /**
   * The migration of a table, as {@link #tables} gives it.
   *
   * @return empty if it is none's
   */
  static Optional<String> migration(String table) {
    String name = table.substring(table.lastIndexOf(' ') + 1);
    return name.startsWith(PREFIX)
        ? Optional.of(name.substring(PREFIX.length()))
        : Optional.empty();
  }

  private static String table(String migration) {
    if (!migration.matches("[A-Za-z0-9-]{1,64}")) {
      throw new IllegalArgumentException("not the name of a migration: " + migration);
    }
    return PREFIX + migration;
  }

  private NftSet of(byte family, String name) {
    return new NftSet(family, table, name);
  }

  private void add(NftSet... sets) throws IOException {
    Map<NftSet, List<byte[]>> elements = new LinkedHashMap<>();
    for (NftSet set : sets) {
      elements.put(set, set.family() == NftSets.ARP ? OF_ARP : OF_INET);
    }
    namespace.call(
        () -> {
          NftSets.add(elements);
          return true;
        });
  }

  private String removal() {
    // Adding first makes the removal of what is not there no error.
    return """
        add table inet %1$s
        delete table inet %1$s
        add table arp %1$s
        delete table arp %1$s
        """
        .formatted(table);
  }

  private String tablesAnew() {
    return removal()
        + """
        add table inet %1$s
        add set inet %1$s closed_incoming { type nf_proto; }
        add set inet %1$s closed_outgoing { type nf_proto; }
        add set inet %1$s opened_incoming { type nf_proto; }
        add set inet %1$s opened_outgoing { type nf_proto; }
        add chain inet %1$s incoming { type filter hook prerouting priority raw; }
        add rule inet %1$s incoming iif lo accept
        add rule inet %1$s incoming icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
        add rule inet %1$s incoming meta nfproto @opened_incoming accept
        add rule inet %1$s incoming meta nfproto @closed_incoming drop
        add chain inet %1$s outgoing { type filter hook output priority raw; }
        add rule inet %1$s outgoing meta nfproto @opened_outgoing accept
        add rule inet %1$s outgoing meta nfproto @closed_outgoing drop
        add table arp %1$s
        add set arp %1$s closed_outgoing { type ether_type; }
        add set arp %1$s opened_outgoing { type ether_type; }
        add chain arp %1$s outgoing { type filter hook output priority 0; }
        add rule arp %1$s outgoing arp ptype @opened_outgoing accept
        add rule arp %1$s outgoing arp ptype @closed_outgoing drop
        """
            .formatted(table);
  }

  private void nft(String commands) throws IOException {
    namespace.run(List.of("nft", "-f", "-"), commands);
  }
}
