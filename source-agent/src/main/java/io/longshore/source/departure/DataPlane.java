package io.longshore.source.departure;

import io.longshore.source.images.ImageChannel;
import io.longshore.source.pages.PageChannel;
import java.time.Duration;
import java.util.List;

/**
 * The data streams of one migration to its target. Once open, those that are cut are opened again.
 */
public interface DataPlane {
  /** For images and held packets. */
  ImageChannel images();

  /** For pages in address order. */
  List<? extends PageChannel> pages();

  /** For pages that the target asks for. */
  PageChannel faults();

  /**
   * Says who answers what the target asks for; nobody until then. Called on the network's thread:
   * must not block.
   */
  void onDemand(Demands demands);

  /**
   * Is told, perhaps more than once, that the target has installed what it has installed and has
   * nothing else any more: these streams are of no use then. Must not block.
   */
  void onTargetRestarted(Runnable listener);

  /**
   * Waits until the target has accepted all streams.
   *
   * @throws io.longshore.source.pages.TransferBrokenException if it refused or cannot be reached
   */
  void awaitOpen() throws InterruptedException;

  /** Takes note of a newer epoch: streams that are opened again are so with it. */
  void admit(long epoch);

  /** How long a stream has been broken that is being opened again; zero if all are open. */
  Duration brokenFor();

  /** Bytes of messages sent and received on all streams. */
  long bytesOnWire();

  /** Ends all streams in order: everything was sent and stored. */
  void finish();

  /** Ends all streams at once. */
  void cancel();

  /** Answers the target's demands. */
  interface Demands {
    /**
     * Pages are waited for.
     *
     * @param vpid whose
     * @param firstPage address / 4096
     * @param count how many
     * @param again they were stored before and are needed once more
     */
    void demand(int vpid, long firstPage, int count, boolean again);
  }
}
