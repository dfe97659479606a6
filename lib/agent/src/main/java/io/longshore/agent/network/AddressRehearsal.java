package io.longshore.agent.network;

import io.longshore.linux.network.AddressLock;
import io.longshore.linux.network.ArpAnnouncement;
import io.longshore.linux.network.Interfaces;
import io.longshore.linux.network.NetworkNamespace;
import io.longshore.linux.network.PacketHold;
import io.longshore.linux.network.PacketReplay;
import io.longshore.linux.network.ServiceAddress;
import io.longshore.platform.lifecycle.Component;
import java.io.IOException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does once, at the start of an agent, all that is done to an address that moves: in an empty
 * network namespace of its own, so that nobody sees it. What has run before is quick when clients
 * wait for it, and a missing program is found before a workload is frozen.
 */
public final class AddressRehearsal implements Component {
  private static final Logger log = LoggerFactory.getLogger(AddressRehearsal.class);
  private static final String INTERFACE = "rehearsal";
  private static final ServiceAddress OWN = ServiceAddress.parse("192.0.2.1/24");
  private static final ServiceAddress MOVING = ServiceAddress.parse("192.0.2.2/24");
  private static final int TIMES = 3;
  private static final Duration LIMIT = Duration.ofSeconds(20);

  /** An UDP packet from and to the moving address, to a port where nobody listens. */
  private static final byte[] PACKET =
      HexFormat.of().parseHex("4500001c0000000040110000c0000201c0000202" + "0009000900080000");

  @Override
  public void start() throws InterruptedException {
    Thread thread = Thread.ofPlatform().name("rehearsal").daemon().start(AddressRehearsal::run);
    if (!thread.join(LIMIT)) {
      log.warn("The rehearsal of moving an address takes more than {}; not waiting for it", LIMIT);
    }
  }

  @Override
  public void stop() {}

  private static void run() {
    try {
      rehearseInNewNamespace();
    } catch (IOException e) {
      log.warn("Moving an address was not rehearsed: {}", e.getMessage());
    }
  }

  /** The calling thread is in the new namespace from then on. */
  static void rehearseInNewNamespace() throws IOException {
    NetworkNamespace.enterNew();
    NetworkNamespace.addInterface(INTERFACE);
    Interfaces.assign(OWN, INTERFACE);
    for (int i = 0; i < TIMES; i++) {
      rehearse();
    }
  }

  private static void rehearse() throws IOException {
    AddressLock lock = new AddressLock("rehearsal");
    HeldPackets held = new HeldPackets();
    lock.prepare();
    lock.holdIncoming(List.of(MOVING));
    lock.seal(List.of(MOVING));
    PacketHold hold = PacketHold.start(INTERFACE, MOVING, held::add);
    Interfaces.assign(MOVING, INTERFACE);
    lock.letOut(List.of(MOVING));
    lock.open(List.of(MOVING));
    ArpAnnouncement.send(MOVING, INTERFACE);
    hold.close();
    try (PacketReplay replay = new PacketReplay()) {
      replay.deliver(PACKET);
    }
    Interfaces.remove(MOVING, INTERFACE);
    lock.release();
  }
}
