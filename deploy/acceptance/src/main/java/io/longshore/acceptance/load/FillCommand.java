package io.longshore.acceptance.load;

import com.google.gson.JsonObject;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import redis.clients.jedis.Connection;
import redis.clients.jedis.Protocol;

/** Writes all filled keys, pipelined. */
@Command(name = "fill", description = "Fills the server with keys that are never written again.")
final class FillCommand implements Callable<Integer> {
  /** Enough to hide the round trip, and little enough to fit socket buffers. */
  static final int PIPELINED = 256;

  @Mixin private ServerOptions server = new ServerOptions();

  @Option(names = "--threads", defaultValue = "2", description = "Connections that fill.")
  private int threads;

  @Override
  public Integer call() throws Exception {
    long start = System.nanoTime();
    long keys = server.filledKeys();
    KeyRanges.inParallel(keys, threads, this::fill);
    JsonObject report = new JsonObject();
    report.addProperty("keys", keys);
    report.addProperty("seconds", (System.nanoTime() - start) / 1e9);
    System.out.println(report);
    return 0;
  }

  private void fill(long from, long until) {
    Content content = server.content();
    byte[] value = content.newValue();
    try (Connection connection = server.connect()) {
      for (long next = from; next < until; ) {
        long end = Math.min(until, next + PIPELINED);
        for (long number = next; number < end; number++) {
          long id = Content.filled(number);
          content.write(id, 0, value);
          connection.sendCommand(Protocol.Command.SET, Content.key(id), value);
        }
        for (; next < end; next++) {
          connection.getStatusCodeReply();
        }
      }
    }
  }
}
