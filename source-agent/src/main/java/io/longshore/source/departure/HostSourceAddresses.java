package io.longshore.source.departure;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.agent.network.HeldPackets;
import io.longshore.linux.network.AddressLock;
import io.longshore.linux.network.ArpAnnouncement;
import io.longshore.linux.network.Interfaces;
import io.longshore.linux.network.PacketHold;
import io.longshore.linux.network.ServiceAddress;
import io.longshore.source.images.ImageChannel;
import io.longshore.source.pages.TransferBrokenException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Addresses of this host that leave with a workload.
 *
 * <p>What arrives for them during the freeze does not reach the workload, but is seen by a packet
 * socket and sent to the target, which delivers it at resume: nobody's packet is lost, so nobody
 * waits for a retransmission.
 */
final class HostSourceAddresses implements SourceAddresses {
  private static final Logger log = LoggerFactory.getLogger(HostSourceAddresses.class);

  private final List<ServiceAddress> addresses;
  private final AddressLock lock;
  private final HeldPackets packets = new HeldPackets();

  @GuardedBy("this")
  private final List<PacketHold> holds = new ArrayList<>();

  @GuardedBy("this")
  private boolean locked;

  /**
   * @param locked whether an earlier run of the agent may have left a lock
   */
  HostSourceAddresses(String migration, List<ServiceAddress> addresses, boolean locked) {
    this.addresses = List.copyOf(addresses);
    this.lock = new AddressLock(migration);
    this.locked = locked && !addresses.isEmpty();
  }

  @Override
  public synchronized void prepare() throws IOException {
    if (!addresses.isEmpty()) {
      locked = true;
      lock.prepare();
    }
  }

  @Override
  public synchronized void hold(ImageChannel target) throws IOException {
    if (addresses.isEmpty()) {
      return;
    }
    for (ServiceAddress address : addresses) {
      String name =
          Interfaces.withAddress(address)
              .orElseThrow(() -> new IOException("no interface has " + address + " any more"));
      holds.add(PacketHold.begin(name, address, packet -> forward(target, packet)));
    }
    lock.holdIncoming(addresses);
  }

  @Override
  public synchronized void seal() throws IOException {
    if (locked) {
      lock.seal(addresses);
    }
  }

  @Override
  public synchronized void sendOn() {
    holds.forEach(PacketHold::flow);
  }

  @Override
  public void release() throws IOException {
    closeHolds();
    for (ServiceAddress address : addresses) {
      var name = Interfaces.withAddress(address);
      if (name.isPresent()) {
        Interfaces.remove(address, name.get());
      }
    }
    unlock();
  }

  @Override
  public void rollBack() throws IOException {
    unlock();
    closeHolds();
    packets.deliver();
    for (ServiceAddress address : addresses) {
      var name = Interfaces.withAddress(address);
      if (name.isPresent()) {
        ArpAnnouncement.send(address, name.get());
      }
    }
  }

  private void forward(ImageChannel target, byte[] packet) {
    // Kept as well: if the workload stays, it is delivered here.
    packets.add(packet);
    try {
      target.sendHeldPacket(packet);
    } catch (TransferBrokenException e) {
      log.debug("A held packet stays here", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void unlock() throws IOException {
    if (locked) {
      lock.release();
      locked = false;
    }
  }

  private synchronized void closeHolds() {
    holds.forEach(PacketHold::close);
    holds.clear();
  }
}
