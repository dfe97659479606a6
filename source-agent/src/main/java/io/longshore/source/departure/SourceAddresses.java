package io.longshore.source.departure;

import io.longshore.source.images.ImageChannel;
import java.io.IOException;

/** The addresses that leave with a workload. Every method can be repeated. */
public interface SourceAddresses {
  /** Does what takes long, before anything stands still. */
  void prepare() throws IOException;

  /** From now on nothing that arrives for the addresses reaches the workload; it is kept. */
  void hold(ImageChannel target) throws IOException;

  /** From now on nothing is sent from the addresses either: the frozen workload is silent. */
  void seal() throws IOException;

  /** What was kept goes to the target, to be delivered there, and so does what comes. */
  void sendOn();

  /** The workload is gone: removes the addresses from this host, then the locks. */
  void release() throws IOException;

  /** The workload stays: removes the locks and delivers what was held. */
  void rollBack() throws IOException;
}
