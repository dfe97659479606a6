package io.longshore.linux.network;

import java.io.IOException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Changes sets of nftables in one atomic step; linux/netfilter/nf_tables.h. */
final class NftSets {
  static final byte INET = NftBatch.INET;
  static final byte ARP = NftBatch.ARP;

  private static final int NEW_ELEMENTS = 12;
  private static final short TABLE = 1;
  private static final short SET = 2;
  private static final short ELEMENTS = 3 | NftBatch.NESTED;
  private static final short ELEMENT = 1 | NftBatch.NESTED;
  private static final short KEY = 1 | NftBatch.NESTED;
  private static final short VALUE = 1;

  private NftSets() {}

  /**
   * A set.
   *
   * @param family {@link #INET} or {@link #ARP}
   */
  record NftSet(byte family, String table, String name) {}

  /** Adds addresses to sets of IPv4 addresses. Those that they have already are no harm. */
  static void add(List<NftSet> sets, Collection<ServiceAddress> addresses) throws IOException {
    List<byte[]> keys = addresses.stream().map(address -> address.address().getAddress()).toList();
    Map<NftSet, List<byte[]>> elements = new LinkedHashMap<>();
    sets.forEach(set -> elements.put(set, keys));
    add(elements);
  }

  /**
   * Adds elements to their sets. Those that are there already are no harm.
   *
   * @param elements for each set, keys as its type has them
   */
  static void add(Map<NftSet, List<byte[]>> elements) throws IOException {
    int all = elements.values().stream().mapToInt(List::size).sum();
    NftBatch batch =
        new NftBatch(elements.keySet().toString(), 1024 * (elements.size() + 1) + 32 * all);
    elements.forEach(
        (set, keys) ->
            batch.change(NEW_ELEMENTS, NftBatch.CREATE, set.family, () -> write(batch, set, keys)));
    batch.send();
  }

  private static void write(NftBatch batch, NftSet set, List<byte[]> keys) {
    batch.text(TABLE, set.table);
    batch.text(SET, set.name);
    batch.attribute(
        ELEMENTS,
        () -> {
          for (byte[] key : keys) {
            batch.attribute(ELEMENT, () -> batch.attribute(KEY, () -> batch.bytes(VALUE, key)));
          }
        });
  }
}
