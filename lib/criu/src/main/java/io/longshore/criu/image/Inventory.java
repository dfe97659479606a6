package io.longshore.criu.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The inventory image (images/inventory.proto), as far as the agents need it.
 *
 * @param imageVersion 2 for the images of every CRIU that is supported
 * @param uptime of the machine at the dump, in microseconds; only dumps that track memory have it
 * @param tcpClose whether connections are restored closed
 * @param networkLock how the connections were locked; the restore unlocks in the same way
 * @param runId names CRIU's nftables table
 */
public record Inventory(
    int imageVersion,
    OptionalLong uptime,
    boolean tcpClose,
    Optional<NetworkLock> networkLock,
    Optional<String> runId) {

  /** How CRIU locked the network of a tree. */
  public enum NetworkLock {
    /** By iptables rules. */
    IPTABLES,
    /** By an nftables table. */
    NFTABLES,
    /** Not at all: somebody else did. */
    SKIP
  }

  private static final int IMAGE_VERSION = 1;
  private static final int DUMP_UPTIME = 8;
  private static final int TCP_CLOSE = 10;
  private static final int NETWORK_LOCK = 11;
  private static final int RUN_ID = 13;

  /**
   * Reads an image file.
   *
   * @throws ImageFormatException if it is not an inventory
   */
  public static Inventory read(Path file) throws IOException {
    return parse(ImageReader.open(file, ImageType.INVENTORY).onlyFields());
  }

  /** As {@link #read}, from the remaining bytes of a buffer. */
  public static Inventory parse(String name, ByteBuffer image) throws ImageFormatException {
    return parse(ImageReader.open(name, image, ImageType.INVENTORY).onlyFields());
  }

  private static Inventory parse(RecordFields fields) throws ImageFormatException {
    int imageVersion = -1;
    OptionalLong uptime = OptionalLong.empty();
    boolean tcpClose = false;
    Optional<NetworkLock> networkLock = Optional.empty();
    Optional<String> runId = Optional.empty();
    while (fields.next()) {
      switch (fields.number()) {
        case IMAGE_VERSION -> imageVersion = (int) fields.upTo(Short.MAX_VALUE);
        case DUMP_UPTIME -> uptime = OptionalLong.of(fields.uint64());
        case TCP_CLOSE -> tcpClose = fields.bool();
        case NETWORK_LOCK -> networkLock = Optional.of(networkLock(fields));
        case RUN_ID -> runId = Optional.of(fields.string());
        default -> fields.skip();
      }
    }
    if (imageVersion < 0) {
      throw fields.missing("img_version");
    }
    return new Inventory(imageVersion, uptime, tcpClose, networkLock, runId);
  }

  // enum NETWORK_LOCK_METHOD, criu/include/cr_options.h. The RPC interface counts from 1, the image
  // from 0.
  private static NetworkLock networkLock(RecordFields fields) throws ImageFormatException {
    long method = fields.uint32();
    if (method >= NetworkLock.values().length) {
      throw fields.refuse("unknown network lock method " + method);
    }
    return NetworkLock.values()[(int) method];
  }
}
