package io.longshore.acceptance.testbed;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.time.Duration;

/**
 * A Redis with values of about 1 KiB and clients that read and write, half and half, some keys
 * (Zipf) more often than others.
 *
 * @param mebibytes of values
 */
record BenchRedis(int mebibytes) implements BenchWorkload {
  static final Duration BEFORE = Duration.ofSeconds(4);

  /** Long enough to see when all is as it was before. */
  static final Duration AFTER = Duration.ofSeconds(6);

  private static final int CONNECTIONS = 20;

  @Override
  public String name() {
    return "Redis, %d MiB, %d clients".formatted(mebibytes, CONNECTIONS);
  }

  @Override
  public Cargo start(Testbed testbed) throws InterruptedException {
    RedisWorkload redis = RedisWorkload.start(testbed, "a", (long) mebibytes << 20);
    LoadRun load;
    try {
      load = redis.zipfLoad(CONNECTIONS);
    } catch (AssertionError e) {
      redis.close();
      throw e;
    }
    Thread.sleep(BEFORE);
    return new Cargo() {
      @Override
      public int pid() {
        return redis.pid();
      }

      @Override
      public String address() {
        return RedisWorkload.CIDR;
      }

      @Override
      public void departs() throws IOException {
        load.during();
      }

      @Override
      public void arrived() throws IOException, InterruptedException {
        load.after();
        Thread.sleep(AFTER);
      }

      @Override
      public void report(JsonObject row) throws IOException {
        load.reportTo(row);
        row.addProperty("keys_wrong", redis.check().get("keys_wrong").getAsLong());
      }

      @Override
      public void close() {
        load.close();
        redis.close();
      }
    };
  }
}
