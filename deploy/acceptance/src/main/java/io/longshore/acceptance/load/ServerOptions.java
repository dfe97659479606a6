package io.longshore.acceptance.load;

import java.time.Duration;
import picocli.CommandLine.Option;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;

/** Which server, and what it is filled with. */
final class ServerOptions {
  @Option(
      names = "--server",
      required = true,
      paramLabel = "HOST:PORT",
      description = "The Redis server.")
  private String server = "";

  @Option(
      names = "--bytes",
      defaultValue = "1073741824",
      description = "Bytes of values that it is filled with (default: ${DEFAULT-VALUE}).")
  private long bytes;

  @Option(
      names = "--value-bytes",
      defaultValue = "1272",
      description =
          "Length of each value (default: ${DEFAULT-VALUE}, which fills a size class of Redis's allocator).")
  private int valueBytes;

  @Option(
      names = "--timeout",
      defaultValue = "60",
      paramLabel = "SECONDS",
      description =
          "How long to wait for an answer before the connection counts as lost (default: ${DEFAULT-VALUE}).")
  private int timeout;

  /** A connection that is never repaired: an error on it is final. */
  Connection connect() {
    int millis = Math.toIntExact(Duration.ofSeconds(timeout).toMillis());
    Connection connection =
        new Connection(
            HostAndPort.from(server),
            DefaultJedisClientConfig.builder()
                .resp2()
                .connectionTimeoutMillis(millis)
                .socketTimeoutMillis(millis)
                .build());
    connection.connect();
    return connection;
  }

  Content content() {
    return new Content(valueBytes);
  }

  long filledKeys() {
    return content().filledKeys(bytes);
  }
}
