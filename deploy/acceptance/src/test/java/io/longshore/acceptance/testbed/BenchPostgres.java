package io.longshore.acceptance.testbed;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * PostgreSQL under pgbench. Its data lie on the disk that both hosts see, its processes are of user
 * postgres. Each transaction that pgbench was told to be committed must be there afterwards, and
 * pg_amcheck must find no fault.
 *
 * @param mebibytes of shared buffers; the data are somewhat smaller
 */
record BenchPostgres(int mebibytes) implements BenchWorkload {
  private static final int CLIENTS = 8;

  /** Of one unit of pgbench's scale. */
  private static final int SCALE_MEBIBYTES = 16;

  private static final Pattern PROCESSED =
      Pattern.compile("number of transactions actually processed: (\\d+)");

  /** The server's programs, which are not in PATH, and its data. */
  private static final String DEFINITIONS =
      """
      address=$1 data=$2 buffers=$3 scale=$4
      programs=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
      [ -x "$programs/pgbench" ] || { echo "found no PostgreSQL: run deploy/setup --for-tests" >&2; exit 1; }
      as_postgres() { setpriv --reuid postgres --regid postgres --init-groups "$@"; }
      export PGHOST=$address PGUSER=postgres PGDATABASE=postgres
      cd /
      """;

  private static final String TAKE_ADDRESS =
      "ip address add \"$address/24\" dev eth0 && arping -q -U -c 1 -I eth0 \"$address\" || exit 1\n";

  /**
   * Its own IPC namespace, for its System V segment moves with it; no unix socket, for that is in a
   * folder of the host.
   */
  private static final String START =
      """
      setsid unshare --ipc setpriv --reuid postgres --regid postgres --init-groups "$programs/postgres" -D "$data" \\
        </dev/null >/dev/null 2>&1 &
      for attempt in $(seq 300); do
        ! "$programs/pg_isready" -q || break
        sleep 0.1
      done
      """;

  /** Filled once, then copied for each trial. */
  private static final String TEMPLATE =
      """
      template=$data-$scale
      [ ! -e "$template" ] || exit 0
      mkdir -p "${data%/*}"
      chown postgres "${data%/*}"
      as_postgres "$programs/initdb" -D "$data" -U postgres -A trust >/dev/null || exit 1
      echo 'host all all 10.77.0.0/24 trust' >>"$data/pg_hba.conf"
      cat >>"$data/postgresql.conf" <<CONF
      listen_addresses = '$address'
      unix_socket_directories = ''
      shared_buffers = ${buffers}MB
      dynamic_shared_memory_type = mmap
      huge_pages = off
      logging_collector = off
      CONF
      """
          + START
          + """
      "$programs/createdb" bench || exit 1
      "$programs/pgbench" --initialize --quiet --scale "$scale" bench 2>/dev/null || exit 1
      "$programs/psql" -q -c 'CREATE EXTENSION pg_prewarm' bench || exit 1
      as_postgres "$programs/pg_ctl" -D "$data" stop -m fast >/dev/null || exit 1
      mv "$data" "$template"
      """;

  private static final String RUN =
      """
      rm -rf "$data"
      cp -a "$data-$scale" "$data" || exit 1
      """
          + START
          + """
      "$programs/psql" -q -t -c "SELECT sum(pg_prewarm(oid)) FROM pg_class WHERE relname LIKE 'pgbench%' AND relkind IN ('r', 'i')" \\
        bench >/dev/null || exit 1
      head -n 1 "$data/postmaster.pid"
      """;

  @Override
  public String name() {
    return "PostgreSQL, %d MiB of shared buffers, pgbench with %d clients"
        .formatted(mebibytes, CLIENTS);
  }

  private static Path data() {
    return Testbed.disk().resolve(DiskWatch.OWN).resolve("postgresql");
  }

  @Override
  public Cargo start(Testbed testbed) throws IOException, InterruptedException {
    Running running = new Running(testbed);
    try {
      shell(testbed, "a", TAKE_ADDRESS + "exec </dev/null\n(\n" + TEMPLATE + ")\n");
      running.pid = Integer.parseInt(shell(testbed, "a", RUN).strip());
      running.load();
      return running;
    } catch (IOException | RuntimeException | AssertionError e) {
      running.close();
      throw e;
    }
  }

  private String shell(Testbed testbed, String host, String script) {
    return testbed.shell(
        host,
        DEFINITIONS + script,
        RedisWorkload.ADDRESS,
        data().toString(),
        "" + mebibytes,
        "" + Math.max(1, mebibytes / SCALE_MEBIBYTES));
  }

  private final class Running implements Cargo {
    private final Testbed testbed;
    private final List<Long> phases = new ArrayList<>();
    private int pid;
    private @Nullable Process pgbench;

    Running(Testbed testbed) {
      this.testbed = testbed;
    }

    /** Until it gets the signal with which it ends itself when its time is over. */
    void load() throws IOException, InterruptedException {
      pgbench =
          testbed
              .on(
                  "client",
                  "sh",
                  "-c",
                  DEFINITIONS
                      + """
                      rm -rf /var/pgbench && mkdir /var/pgbench && cd /var/pgbench
                      exec "$programs/pgbench" --client %d --time 3600 --log bench
                      """
                          .formatted(CLIENTS),
                  "-",
                  RedisWorkload.ADDRESS,
                  data().toString(),
                  "",
                  "")
              .start();
      Thread.sleep(3000);
      phases.add(System.currentTimeMillis());
      Thread.sleep(BenchRedis.BEFORE);
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
    public boolean isOfAnotherUser() {
      return true;
    }

    @Override
    public void departs() {
      phases.add(System.currentTimeMillis());
    }

    @Override
    public void arrived() throws InterruptedException {
      phases.add(System.currentTimeMillis());
      Thread.sleep(BenchRedis.AFTER);
    }

    @Override
    public void report(JsonObject row) throws IOException {
      phases.add(System.currentTimeMillis());
      long processed = endPgbench();
      List<String> words = new ArrayList<>(List.of("pgbench", "--phases"));
      words.add(String.join(",", phases.stream().map(Object::toString).toList()));
      words.addAll(
          List.of(testbed.shell("client", "ls /var/pgbench/pgbench_log.*").strip().split("\n")));
      LoadRun.add(
          JsonParser.parseString(LoadRun.client(testbed, words).run().expectSuccess())
              .getAsJsonObject(),
          row);
      long found =
          Long.parseLong(
              shell(
                      testbed,
                      "client",
                      "\"$programs/psql\" -t -A -c 'SELECT count(*) FROM pgbench_history' bench")
                  .strip());
      if (found != processed) {
        throw new AssertionError(
            "%d transactions are in the history, pgbench was told of %d"
                .formatted(found, processed));
      }
      shell(testbed, "client", "\"$programs/pg_amcheck\" --install-missing bench");
    }

    private long endPgbench() throws IOException {
      testbed.shell("client", "pkill -ALRM -x pgbench");
      Process process = Objects.requireNonNull(pgbench);
      try {
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
          throw new AssertionError("pgbench does not end: a client still waits for an answer");
        }
      } catch (InterruptedException e) {
        throw new AssertionError("interrupted", e);
      }
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      Matcher processed = PROCESSED.matcher(said);
      if (process.exitValue() != 0 || !processed.find()) {
        throw new AssertionError("pgbench: " + process.errorReader().readLine());
      }
      return Long.parseLong(processed.group(1));
    }

    @Override
    public void close() {
      if (pgbench != null) {
        testbed.on("client", "pkill", "-KILL", "-x", "pgbench").run();
      }
      for (String host : Testbed.NODES) {
        testbed
            .on(
                host,
                "sh",
                "-c",
                "while pkill -KILL -x postgres; do sleep 0.05; done; ip address delete \"$1\" dev eth0",
                "-",
                RedisWorkload.CIDR)
            .run();
      }
    }
  }
}
