package io.longshore.source.departure;

import io.longshore.platform.value.HostPort;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Where a migration's data streams go.
 *
 * @param endpoint of the target
 * @param secret opens them
 */
@SuppressWarnings("ArrayRecordComponent") // Copied in and out; never a key.
public record TransferTarget(HostPort endpoint, byte[] secret) {
  /** Copies the secret. */
  public TransferTarget {
    secret = secret.clone();
  }

  @Override
  public byte[] secret() {
    return secret.clone();
  }

  String secretInHex() {
    return HexFormat.of().formatHex(secret);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TransferTarget that
        && endpoint.equals(that.endpoint)
        && Arrays.equals(secret, that.secret);
  }

  @Override
  public int hashCode() {
    return endpoint.hashCode();
  }

  /** Without the secret, which must not get into a log. */
  @Override
  public String toString() {
    return "target at " + endpoint;
  }
}
