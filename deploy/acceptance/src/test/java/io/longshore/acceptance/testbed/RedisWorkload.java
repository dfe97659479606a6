package io.longshore.acceptance.testbed;

import static org.awaitility.Awaitility.await;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A Redis with an address of its own that moves with it, and the load client that uses it from host
 * client.
 */
final class RedisWorkload implements AutoCloseable {
  static final String ADDRESS = "10.77.0.100";
  static final String CIDR = ADDRESS + "/24";
  private static final String VERSIONS = "/var/load-versions";

  private final Testbed testbed;
  private final long bytes;
  private final int pid;

  private RedisWorkload(Testbed testbed, long bytes, int pid) {
    this.testbed = testbed;
    this.bytes = bytes;
    this.pid = pid;
  }

  /** Returns when it has so many bytes of values. */
  static RedisWorkload start(Testbed testbed, String host, long bytes) {
    testbed.shell(
        host, "ip address add \"$1\" dev eth0 && arping -q -U -c 1 -I eth0 \"$2\"", CIDR, ADDRESS);
    testbed.shell(
        host,
        """
        redis-server --bind 0.0.0.0 --port 6379 --protected-mode no --save '' --appendonly no --daemonize yes \
          --dir / --logfile '' --pidfile ''
        """);
    List<Integer> pid = new ArrayList<>();
    await()
        .atMost(Duration.ofSeconds(30))
        .ignoreExceptions()
        .until(
            () ->
                pid.add(
                    Integer.parseInt(
                        testbed
                            .shell(
                                host,
                                "redis-cli -h \"$1\" info server | sed -n 's/^process_id:\\([0-9]*\\).*/\\1/p'",
                                ADDRESS)
                            .strip())));
    RedisWorkload redis = new RedisWorkload(testbed, bytes, pid.getFirst());
    redis.client("fill").run().expectSuccess();
    return redis;
  }

  int pid() {
    return pid;
  }

  /** Loads it until the load is told to end. Returns when the client is warm. */
  LoadRun load(int connections) {
    return begin(
        client(
            "load", "--connections", "" + connections, "--warm-up", "2", "--versions", VERSIONS));
  }

  /** The same, more often with some keys than with others, half of it writes. */
  LoadRun zipfLoad(int connections) {
    return begin(
        client(
            "load",
            "--connections",
            "" + connections,
            "--owned-keys",
            "2000",
            "--zipf",
            "0.99",
            "--warm-up",
            "5",
            "--versions",
            VERSIONS));
  }

  private static LoadRun begin(Command command) {
    try {
      return LoadRun.begin(command.start());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Reads all keys back. */
  JsonObject check() {
    return JsonParser.parseString(client("check", "--versions", VERSIONS).run().out())
        .getAsJsonObject();
  }

  private Command client(String name, String... options) {
    List<String> words =
        new ArrayList<>(List.of(name, "--server", ADDRESS + ":6379", "--bytes", "" + bytes));
    words.addAll(List.of(options));
    return LoadRun.client(testbed, words);
  }

  /** Ends it on whatever host it is. */
  @Override
  public void close() {
    for (String host : Testbed.NODES) {
      testbed
          .on(
              host,
              "sh",
              "-c",
              "pkill -KILL -x redis-server; rm -f /run/redis.pid; ip address delete \"$1\" dev eth0",
              "-",
              CIDR)
          .run();
    }
  }
}
