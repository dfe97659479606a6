package io.longshore.acceptance.testbed;

import static org.awaitility.Awaitility.await;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A JVM with a service on HTTP that allocates on every request, and clients on connections that are
 * kept alive.
 *
 * @param mebibytes of its heap, half of which lives
 */
record BenchService(int mebibytes) implements BenchWorkload {
  private static final int CONNECTIONS = 20;
  private static final int PORT = 8080;

  @Override
  public String name() {
    return "JVM service, %d MiB of heap, %d clients".formatted(mebibytes, CONNECTIONS);
  }

  @Override
  public Cargo start(Testbed testbed) throws IOException, InterruptedException {
    Running running = new Running(testbed, begin(testbed));
    try {
      await()
          .atMost(Duration.ofMinutes(1))
          .pollInterval(Duration.ofMillis(100))
          .until(
              () -> testbed.on("a", "sh", "-c", "ss -ltn | grep -q :" + PORT).run().status() == 0);
      running.load =
          LoadRun.begin(
              LoadRun.client(
                      testbed,
                      List.of(
                          "http",
                          "--server",
                          RedisWorkload.ADDRESS + ":" + PORT,
                          "--connections",
                          "" + CONNECTIONS,
                          "--pause",
                          "5000",
                          "--warm-up",
                          "8"))
                  .start());
      Thread.sleep(BenchRedis.BEFORE);
      return running;
    } catch (IOException | RuntimeException | AssertionError e) {
      running.close();
      throw e;
    }
  }

  /** Its file of performance data would be one that b does not have. */
  private int begin(Testbed testbed) {
    return Integer.parseInt(
        testbed
            .shell(
                "a",
                """
                ip address add "$1" dev eth0 && arping -q -U -c 1 -I eth0 "${1%/*}" || exit 1
                cd / && setsid "$2/bin/java" -XX:-UsePerfData -Xms"$3"m -Xmx"$3"m -XX:+AlwaysPreTouch \\
                  -Djava.net.preferIPv4Stack=true -Dsun.net.httpserver.nodelay=true \\
                  -cp "$4" io.longshore.acceptance.service.AllocatingService "${1%/*}" "$5" "$6" </dev/null >/dev/null 2>&1 &
                echo $!
                """,
                RedisWorkload.CIDR,
                Checkout.tool("JAVA_HOME"),
                "" + mebibytes,
                Checkout.path("deploy/acceptance/target/classes").toString(),
                "" + PORT,
                "" + mebibytes / 2)
            .strip());
  }

  private static final class Running implements Cargo {
    private final Testbed testbed;
    private final int pid;
    private @Nullable LoadRun load;

    Running(Testbed testbed, int pid) {
      this.testbed = testbed;
      this.pid = pid;
    }

    private LoadRun load() {
      return Objects.requireNonNull(load);
    }

    @Override
    public int pid() {
      return pid;
    }

    @Override
    public String address() {
      return RedisWorkload.CIDR;
    }

    @Override
    public void departs() throws IOException {
      load().during();
    }

    @Override
    public void arrived() throws IOException, InterruptedException {
      load().after();
      Thread.sleep(BenchRedis.AFTER);
    }

    @Override
    public void report(JsonObject row) throws IOException {
      load().reportTo(row);
    }

    @Override
    public void close() {
      if (load != null) {
        load.close();
      }
      for (String host : Testbed.NODES) {
        testbed
            .on(
                host,
                "sh",
                "-c",
                "kill -KILL \"$1\"; ip address delete \"$2\" dev eth0",
                "-",
                "" + pid,
                RedisWorkload.CIDR)
            .run();
      }
    }
  }
}
