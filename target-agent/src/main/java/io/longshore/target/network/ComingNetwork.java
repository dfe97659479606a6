package io.longshore.target.network;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.agent.network.HeldPackets;
import io.longshore.linux.network.Announcement;
import io.longshore.linux.network.ContainerNetwork;
import io.longshore.linux.network.NamespaceHold;
import io.longshore.linux.network.PreparedNamespace;
import io.longshore.linux.network.ServiceAddress;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The network of a container that comes to this host: a namespace with all that the container had,
 * made before the freeze and closed until the container runs. Thread-safe.
 */
public final class ComingNetwork implements AddressArrival {
  private static final Logger log = LoggerFactory.getLogger(ComingNetwork.class);

  private final String migration;
  private final Optional<ContainerNetwork> network;
  private final HeldPackets packets = new HeldPackets();

  @GuardedBy("this")
  private Optional<PreparedNamespace> prepared = Optional.empty();

  @GuardedBy("this")
  private Optional<NamespaceHold> hold = Optional.empty();

  @GuardedBy("this")
  private boolean open;

  private ComingNetwork(String migration, Optional<ContainerNetwork> network) {
    this.migration = migration;
    this.network = network;
  }

  /**
   * Nothing is changed before {@link #prepare}.
   *
   * @param network on the bridges that it shall have here
   */
  public static ComingNetwork of(String migration, ContainerNetwork network) {
    return new ComingNetwork(migration, Optional.of(network));
  }

  /**
   * The one that an agent which is gone has made, if it has. What that agent held and did not
   * deliver is lost; its senders repeat it.
   */
  public static ComingNetwork takeUp(String migration) throws IOException {
    ComingNetwork taken = new ComingNetwork(migration, Optional.empty());
    synchronized (taken) {
      taken.prepared = PreparedNamespace.find(migration);
    }
    return taken;
  }

  /**
   * The file that stands for the namespace: what CRIU is given for the container's.
   *
   * @throws IllegalStateException if it is not prepared
   */
  public synchronized Path namespace() {
    return prepared
        .orElseThrow(() -> new IllegalStateException("the network is not prepared"))
        .path();
  }

  /**
   * {@inheritDoc}
   *
   * @param claim is told nothing: no address is given to this host
   */
  @Override
  public synchronized void prepare(Consumer<List<ServiceAddress>> claim) throws IOException {
    if (prepared.isPresent()) {
      return;
    }
    ContainerNetwork wanted =
        network.orElseThrow(() -> new IllegalStateException("what was taken up is prepared"));
    List<String> obstacles = PreparedNamespace.obstacles(wanted);
    if (!obstacles.isEmpty()) {
      throw new LongshoreException(
          Reason.NETWORK_NOT_AVAILABLE,
          "for the container's network on the target, " + String.join("; ", obstacles));
    }
    prepared = Optional.of(PreparedNamespace.make(migration, wanted));
  }

  @Override
  public synchronized void hold(byte[] packet) {
    packets.add(packet);
    if (open) {
      try {
        deliver();
      } catch (IOException e) {
        log.warn("A packet that the source held is not delivered; its sender repeats it", e);
      }
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>What arrives is seen from now on and not before: earlier, switches that do not know where
   * the container is send here what the source gets as well.
   */
  @Override
  public synchronized void letOut() throws IOException {
    if (prepared.isPresent()) {
      if (hold.isEmpty() && !open) {
        hold = Optional.of(NamespaceHold.begin(prepared.get().namespace(), packets::add));
      }
      prepared.get().lock().letOut();
    }
  }

  @Override
  public synchronized void silence() throws IOException {
    if (prepared.isPresent()) {
      // Anew: what was let out stays so until then.
      prepared.get().lock().prepareSealed();
    }
  }

  @Override
  public synchronized void resume() throws IOException {
    if (prepared.isEmpty()) {
      return;
    }
    long begin = System.nanoTime();
    prepared.get().lock().open();
    announce();
    long announced = System.nanoTime();
    endHold();
    open = true;
    deliver();
    log.info(
        "{}: the container's network opened and announced within {} ms, held packets delivered within {} ms more",
        migration,
        (announced - begin) / 1_000_000,
        (System.nanoTime() - announced) / 1_000_000);
  }

  @Override
  public synchronized void withdraw() throws IOException {
    open = false;
    endHold();
    letGo();
    PreparedNamespace.remove(migration);
  }

  /** Once more tells the neighbours; then the namespace is the container's, and ends with it. */
  @Override
  public synchronized void close() throws IOException {
    endHold();
    if (prepared.isPresent()) {
      announce();
      letGo();
      PreparedNamespace.settle(migration);
    }
  }

  @GuardedBy("this")
  private void announce() throws IOException {
    if (prepared.isPresent()) {
      prepared
          .get()
          .namespace()
          .call(
              () -> {
                Announcement.send();
                return true;
              });
    }
  }

  @GuardedBy("this")
  private void deliver() throws IOException {
    if (prepared.isPresent()) {
      prepared
          .get()
          .namespace()
          .call(
              () -> {
                packets.deliver();
                return true;
              });
    }
  }

  @GuardedBy("this")
  private void endHold() {
    hold.ifPresent(NamespaceHold::close);
    hold = Optional.empty();
  }

  @GuardedBy("this")
  private void letGo() {
    prepared.ifPresent(PreparedNamespace::close);
    prepared = Optional.empty();
  }
}
