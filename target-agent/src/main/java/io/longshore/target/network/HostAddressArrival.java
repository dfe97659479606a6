package io.longshore.target.network;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.agent.network.HeldPackets;
import io.longshore.agent.workload.ServiceAddressFacts;
import io.longshore.linux.network.AddressLock;
import io.longshore.linux.network.ArpAnnouncement;
import io.longshore.linux.network.Interfaces;
import io.longshore.linux.network.PacketHold;
import io.longshore.linux.network.ServiceAddress;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Addresses that come to this host with a workload. Until the workload runs they are here but
 * silent and deaf, so that its sockets can be restored and nobody is answered by a host that does
 * not know the connection; what arrives meanwhile is delivered at resume. Thread-safe.
 */
public final class HostAddressArrival implements AddressArrival {
  private static final Logger log = LoggerFactory.getLogger(HostAddressArrival.class);

  private final List<ServiceAddress> addresses;
  private final AddressLock lock;
  private final HeldPackets packets = new HeldPackets();

  /** Addresses that this migration gave to an interface. */
  @GuardedBy("this")
  private final Map<ServiceAddress, String> assigned = new LinkedHashMap<>();

  @GuardedBy("this")
  private final List<PacketHold> holds = new ArrayList<>();

  @GuardedBy("this")
  private boolean locked;

  private volatile boolean open;

  private HostAddressArrival(String migration, List<ServiceAddress> addresses) {
    this.addresses = addresses;
    this.lock = new AddressLock(migration);
  }

  /** Nothing is changed before {@link #prepare}. */
  public static HostAddressArrival of(String migration, List<ServiceAddressFacts> facts) {
    return new HostAddressArrival(
        migration,
        facts.stream().map(ServiceAddressFacts::cidr).map(ServiceAddress::parse).toList());
  }

  /**
   * Those that an agent which is gone has let out. What it held and did not deliver is lost; its
   * senders repeat it.
   */
  public static HostAddressArrival takeUp(String migration, List<ServiceAddress> addresses)
      throws IOException {
    HostAddressArrival taken = new HostAddressArrival(migration, addresses);
    synchronized (taken) {
      for (ServiceAddress address : addresses) {
        Optional<String> name = Interfaces.withAddress(address);
        if (name.isPresent()) {
          taken.assigned.put(address, name.get());
        }
      }
      taken.locked = !addresses.isEmpty();
    }
    taken.open = true;
    return taken;
  }

  @Override
  public synchronized void prepare(Consumer<List<ServiceAddress>> claim) throws IOException {
    if (addresses.isEmpty() || locked) {
      return;
    }
    locked = true;
    lock.prepareSealed(addresses);
    Map<ServiceAddress, String> places = new LinkedHashMap<>();
    for (ServiceAddress address : addresses) {
      String name =
          Interfaces.inSubnet(address)
              .orElseThrow(
                  () ->
                      new LongshoreException(
                          Reason.ADDRESS_NOT_AVAILABLE,
                          "no interface of the target is in the subnet of " + address));
      if (Interfaces.withAddress(address).isPresent()) {
        throw new LongshoreException(
            Reason.ADDRESS_NOT_AVAILABLE, "the target has " + address + " already");
      }
      places.put(address, name);
    }
    claim.accept(addresses);
    for (Map.Entry<ServiceAddress, String> place : places.entrySet()) {
      holds.add(PacketHold.start(place.getValue(), place.getKey(), packets::add));
      Interfaces.assign(place.getKey(), place.getValue());
      assigned.put(place.getKey(), place.getValue());
    }
  }

  @Override
  public void hold(byte[] packet) {
    packets.add(packet);
    if (open) {
      try {
        packets.deliver();
      } catch (IOException e) {
        log.warn("A packet that the source held is not delivered; its sender repeats it", e);
      }
    }
  }

  @Override
  public synchronized void letOut() throws IOException {
    if (locked) {
      lock.letOut(addresses);
    }
  }

  @Override
  public synchronized void silence() throws IOException {
    if (locked) {
      // Anew: what was let out stays so until then.
      lock.prepareSealed(addresses);
    }
  }

  @Override
  public synchronized void resume() throws IOException {
    long begin = System.nanoTime();
    if (locked) {
      lock.open(addresses);
    }
    long unlocked = System.nanoTime();
    for (Map.Entry<ServiceAddress, String> place : assigned.entrySet()) {
      ArpAnnouncement.send(place.getKey(), place.getValue());
    }
    long announced = System.nanoTime();
    closeHolds();
    open = true;
    packets.deliver();
    log.info(
        "{}: opened within {} ms, announced within {} ms more, held packets delivered within {} ms more",
        addresses,
        (unlocked - begin) / 1_000_000,
        (announced - unlocked) / 1_000_000,
        (System.nanoTime() - announced) / 1_000_000);
  }

  @Override
  public synchronized void withdraw() throws IOException {
    open = false;
    closeHolds();
    for (Map.Entry<ServiceAddress, String> place : assigned.entrySet()) {
      Interfaces.remove(place.getKey(), place.getValue());
    }
    assigned.clear();
    unlock();
  }

  /** Once more, for neighbours that missed the first. */
  @Override
  public synchronized void close() throws IOException {
    for (Map.Entry<ServiceAddress, String> place : assigned.entrySet()) {
      ArpAnnouncement.send(place.getKey(), place.getValue());
    }
    unlock();
  }

  @GuardedBy("this")
  private void unlock() throws IOException {
    if (locked) {
      lock.release();
      locked = false;
    }
  }

  @GuardedBy("this")
  private void closeHolds() {
    holds.forEach(PacketHold::close);
    holds.clear();
  }
}
