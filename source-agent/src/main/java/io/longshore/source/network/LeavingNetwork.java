package io.longshore.source.network;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.agent.network.HeldPackets;
import io.longshore.linux.network.Announcement;
import io.longshore.linux.network.NamespaceHold;
import io.longshore.linux.network.NamespaceLock;
import io.longshore.linux.network.NetworkNamespace;
import io.longshore.linux.network.PreparedNamespace;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The network namespace of a container that leaves. Does for all its addresses what is done for
 * addresses of the host that move: what arrives in the freeze is kept and sent to the target, and
 * nobody is answered. Every method can be repeated. Thread-safe.
 *
 * <p>It holds the namespace, which without that would be gone with the container's last process,
 * until {@link #close}.
 */
public final class LeavingNetwork implements AutoCloseable {
  private final NetworkNamespace namespace;
  private final NamespaceLock lock;
  private final HeldPackets packets = new HeldPackets();

  @GuardedBy("this")
  private Optional<NamespaceHold> hold = Optional.empty();

  private LeavingNetwork(String migration, NetworkNamespace namespace) {
    this.namespace = namespace;
    this.lock = new NamespaceLock(namespace, migration);
  }

  /**
   * That of a process. Also after a restart of the agent, whatever an earlier run had done.
   *
   * @throws IOException if the process is gone, or is in this agent's own namespace
   */
  public static LeavingNetwork of(String migration, int pid) throws IOException {
    NetworkNamespace namespace = NetworkNamespace.ofProcess(pid);
    try (NetworkNamespace own = NetworkNamespace.current()) {
      if (!own.identity().equals(namespace.identity())) {
        return new LeavingNetwork(migration, namespace);
      }
    } catch (IOException e) {
      namespace.close();
      throw e;
    }
    namespace.close();
    throw new IOException(
        "process %d is in the host's network namespace, which is not closed for a migration"
            .formatted(pid));
  }

  /** Does what takes long, before anything stands still. */
  public synchronized void prepare() throws IOException {
    lock.prepare();
  }

  /**
   * From now on nothing that arrives reaches the container; it is kept. Loopback goes on.
   *
   * @param target gets every packet after {@link #sendOn}, on threads of its own
   */
  public synchronized void hold(Consumer<byte[]> target) throws IOException {
    if (hold.isEmpty()) {
      hold =
          Optional.of(
              NamespaceHold.begin(
                  namespace,
                  packet -> {
                    // Kept as well: if the container stays, it is delivered here.
                    packets.add(packet);
                    target.accept(packet);
                  }));
    }
    lock.holdIncoming();
  }

  /** From now on nothing is sent either, loopback included: the frozen container is silent. */
  public synchronized void seal() throws IOException {
    lock.seal();
  }

  /** What was kept goes to the target, to be delivered there, and so does what comes. */
  public synchronized void sendOn() {
    hold.ifPresent(NamespaceHold::flow);
  }

  /**
   * The container is gone, and so must be its addresses: removes the devices with their ends on the
   * bridge. In a namespace that other containers are in as well, only after the last of them.
   */
  public synchronized void release() throws IOException {
    endHold();
    PreparedNamespace.removeDevices(namespace);
    lock.release();
  }

  /** The container stays: opens its network and delivers what was held. */
  public synchronized void rollBack() throws IOException {
    lock.release();
    endHold();
    namespace.call(
        () -> {
          packets.deliver();
          Announcement.send();
          return true;
        });
  }

  /** Lets go of the namespace; after {@link #release} or {@link #rollBack}. */
  @Override
  public synchronized void close() {
    endHold();
    namespace.close();
  }

  @GuardedBy("this")
  private void endHold() {
    hold.ifPresent(NamespaceHold::close);
    hold = Optional.empty();
  }
}
