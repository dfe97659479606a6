package io.longshore.source.files;

import io.longshore.agent.files.Selection;
import org.jspecify.annotations.Nullable;

/** The way to the programs that receive files on the target. */
public interface FileLink {
  /**
   * Has the target start one. Returns at once; the first use tells whether it could be.
   *
   * @param tree number of the tree
   */
  Session open(int tree, Selection selection);

  /**
   * A connection with such a program. One thread may send while another receives. {@link #cancel}
   * ends both, from any thread.
   */
  interface Session {
    /**
     * Sends, as soon as there is room.
     *
     * @return whether the target still takes something
     */
    boolean send(byte[] data, int length) throws InterruptedException;

    /** Nothing more will be sent. */
    void finish();

    /**
     * Receives what comes next.
     *
     * @return null when the program there has ended well
     * @throws io.longshore.platform.error.LongshoreException with the target's reason if it has
     *     not; TRANSFER_BROKEN if the link broke
     */
    byte @Nullable [] receive() throws InterruptedException;

    /** Ends it at once. */
    void cancel();
  }
}
