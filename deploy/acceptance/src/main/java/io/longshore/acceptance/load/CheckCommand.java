package io.longshore.acceptance.load;

import com.google.gson.JsonObject;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import redis.clients.jedis.Connection;
import redis.clients.jedis.Protocol;

/** Reads every key and compares it. */
@Command(name = "check", description = "Reads every key back and compares it with what it must be.")
final class CheckCommand implements Callable<Integer> {
  @Mixin private ServerOptions server = new ServerOptions();

  @Option(names = "--threads", defaultValue = "2", description = "Connections that read.")
  private int threads;

  @Option(
      names = "--versions",
      description = "What the load command left: which versions the owned keys must have.")
  private @Nullable Path versions;

  private final AtomicLong checked = new AtomicLong();
  private final AtomicLong wrong = new AtomicLong();

  @Override
  public Integer call() throws Exception {
    long start = System.nanoTime();
    KeyRanges.inParallel(server.filledKeys(), threads, this::checkFilled);
    if (versions != null) {
      checkOwned(OwnedVersions.load(versions));
    }
    JsonObject report = new JsonObject();
    report.addProperty("keys_checked", checked.get());
    report.addProperty("keys_wrong", wrong.get());
    report.addProperty("seconds", (System.nanoTime() - start) / 1e9);
    System.out.println(report);
    return wrong.get() == 0 ? 0 : 1;
  }

  private void checkFilled(long from, long until) {
    Content content = server.content();
    try (Connection connection = server.connect()) {
      for (long next = from; next < until; ) {
        long end = Math.min(until, next + FillCommand.PIPELINED);
        for (long number = next; number < end; number++) {
          connection.sendCommand(Protocol.Command.GET, Content.key(Content.filled(number)));
        }
        for (; next < end; next++) {
          byte @Nullable [] answer = connection.getBinaryBulkReply();
          count(answer != null && content.matches(Content.filled(next), 0, answer));
        }
      }
    }
  }

  private void checkOwned(List<OwnedVersions> all) {
    Content content = server.content();
    try (Connection connection = server.connect()) {
      for (int index = 0; index < all.size(); index++) {
        OwnedVersions owned = all.get(index);
        for (int key = 0; key < owned.keys(); key++) {
          long id = Content.owned(index, key);
          connection.sendCommand(Protocol.Command.GET, Content.key(id));
          byte @Nullable [] answer = connection.getBinaryBulkReply();
          count(
              answer != null
                  && (content.matches(id, owned.version(key), answer)
                      || (owned.isUncertain(key)
                          && content.matches(id, owned.version(key) + 1L, answer))));
        }
      }
    }
  }

  private void count(boolean right) {
    checked.incrementAndGet();
    if (!right) {
      wrong.incrementAndGet();
    }
  }
}
