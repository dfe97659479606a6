package io.longshore.target.network;

import io.longshore.linux.network.ServiceAddress;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;

/** The addresses that come with a workload. Every method can be repeated. */
public interface AddressArrival {
  /**
   * Gives the addresses to this host, silent and deaf: what arrives for them is held.
   *
   * @param claim is told before that the host has none of them and gets them now
   */
  void prepare(Consumer<List<ServiceAddress>> claim) throws IOException;

  /** Keeps a packet that was held at the source; delivers it if the workload runs already. */
  void hold(byte[] packet);

  /**
   * The workload is about to run: from now on it may send. A packet that it lost would be sent
   * again only after 3 s: the kernel knows no round-trip time of a restored connection.
   */
  void letOut() throws IOException;

  /** After {@link #letOut}: it does not run after all, and its end is not to be heard of. */
  void silence() throws IOException;

  /**
   * The workload runs: opens the addresses, delivers what was held, tells the network where they
   * are now.
   */
  void resume() throws IOException;

  /** The workload will never run here: takes the addresses away again. */
  void withdraw() throws IOException;

  /** The migration is over: does once more what a neighbour may have missed. */
  void close() throws IOException;
}
