package io.longshore.coordinator.agent;

import java.util.Arrays;

/** How a source reaches the target's receiving end. The secret is never logged nor stored. */
public final class TransferAccess {
  private final String endpoint;
  private final byte[] secret;

  /**
   * @param endpoint host:port
   * @param secret opens the data streams of one migration
   */
  public TransferAccess(String endpoint, byte[] secret) {
    this.endpoint = endpoint;
    this.secret = secret.clone();
  }

  /** Where the target receives, host:port. */
  public String endpoint() {
    return endpoint;
  }

  /** A copy of what opens the data streams. */
  public byte[] secret() {
    return Arrays.copyOf(secret, secret.length);
  }

  @Override
  public String toString() {
    return "TransferAccess[" + endpoint + "]";
  }
}
