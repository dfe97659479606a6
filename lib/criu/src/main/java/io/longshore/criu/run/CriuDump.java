package io.longshore.criu.run;

import io.longshore.criu.image.PagemapEntry;
import io.longshore.criu.pageserver.HeaderLayout;
import io.longshore.criu.pageserver.PageServerClient;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A {@code criu dump --lazy-pages --leave-stopped}: it freezes the tree, writes all images but the
 * lazy pages, and then holds the tree frozen behind its page server until told how to end.
 *
 * <p>In order: {@link #start}, {@link #awaitHeld} and {@link #go} if there is a barrier, {@link
 * #awaitReady}, then exactly one of {@link #closePageServer} (the tree stays stopped), {@link
 * #abort} or {@link #kill} (the tree runs on). Before it is ready any failure lets the tree run on.
 * All methods may be called by any thread.
 */
public final class CriuDump {
  private static final int FIRST_PORT = 20_000;

  /** net.ipv4.ip_local_port_range, if it is as usual. */
  private static final int FIRST_OF_THE_KERNEL = 32_768;

  private static final int MOST_TRIES = 100;

  private final CriuProcess process;
  private final HeaderLayout layout;
  private final int port;
  private final @Nullable Barrier barrier;
  private final @Nullable BarrierWatch watch;
  private final @Nullable HiddenPages hidden;

  private CriuDump(
      CriuProcess process,
      HeaderLayout layout,
      int port,
      @Nullable Barrier barrier,
      @Nullable BarrierWatch watch,
      @Nullable HiddenPages hidden) {
    this.process = process;
    this.layout = layout;
    this.port = port;
    this.barrier = barrier;
    this.watch = watch;
    this.hidden = hidden;
  }

  /** Starts CRIU. Without a barrier the tree is frozen soon after. */
  public static CriuDump start(Criu criu, DumpOptions options) throws IOException {
    int port = options.port().isPresent() ? options.port().getAsInt() : freePort();
    List<String> arguments = new ArrayList<>(options.arguments());
    arguments.add("--lazy-pages");
    arguments.addAll(List.of("--address", "127.0.0.1", "--port", Integer.toString(port)));
    Barrier barrier = null;
    BarrierWatch watch = null;
    if (options.barrier()) {
      barrier = Barrier.create(options.work(), Barrier.Action.PRE_DUMP);
      watch = new BarrierWatch(barrier);
      arguments.addAll(List.of("--action-script", barrier.script().toString()));
    }
    try {
      HiddenPages hidden = options.hidePages() ? HiddenPages.create(options.work()) : null;
      CriuProcess process =
          CriuProcess.startWithStatus(
              criu, "dump", options.work(), arguments, environment(options.work(), hidden));
      return new CriuDump(process, criu.headerLayout(), port, barrier, watch, hidden);
    } catch (IOException failure) {
      if (watch != null) {
        watch.close();
      }
      throw failure;
    }
  }

  private static Map<String, String> environment(Path work, @Nullable HiddenPages hidden)
      throws IOException {
    Map<String, String> environment = new HashMap<>();
    String libraries = PreloadedLibrary.TASK_LIMITS.putInto(work).toString();
    if (hidden != null) {
      environment.putAll(hidden.environment());
      libraries += ":" + PreloadedLibrary.HIDDEN_PAGES.putInto(work);
    }
    environment.put("LD_PRELOAD", libraries);
    return environment;
  }

  /**
   * Takes up a dump that an earlier agent started and that still runs, wherever it has come to. One
   * that was not ready when its agent ended becomes ready never: it fails.
   *
   * @param work the folder it was started with
   * @param layout of its page server's headers
   */
  public static Optional<CriuDump> attach(Path work, HeaderLayout layout) throws IOException {
    Optional<CriuTask> running = CriuTask.find("dump", work);
    if (running.isEmpty()) {
      return Optional.empty();
    }
    CriuTask task = running.get();
    String port =
        task.option("--port")
            .orElseThrow(() -> new IOException("the dump " + task + " has no port"));
    return Optional.of(
        new CriuDump(
            CriuProcess.attach("dump", work, task),
            layout,
            Integer.parseInt(port),
            null,
            null,
            null));
  }

  /**
   * Which pages the images do not describe, by process id; as {@link HiddenPages#read}. When the
   * dump is ready.
   */
  public Map<Integer, List<PagemapEntry>> hiddenPages() throws IOException {
    return hidden == null ? Map.of() : hidden.read();
  }

  /** CRIU's process id. */
  public int pid() {
    return process.pid();
  }

  /** The port of 127.0.0.1 on which CRIU's page server listens when it is ready. */
  public int port() {
    return port;
  }

  /**
   * Waits until CRIU is held at {@link Barrier.Action#PRE_DUMP}: it has started, the tree still
   * runs.
   *
   * @throws CriuFailure if CRIU fails or takes too long, for which it is killed; the tree runs on
   */
  public void awaitHeld(Duration timeout) throws IOException, InterruptedException {
    if (watch == null) {
      throw new IllegalStateException("the dump was started without a barrier");
    }
    try (watch) {
      process.await(watch.held(process.exit()), timeout, "did not come to its pre-dump barrier");
    }
  }

  /** Lets a CRIU that is held freeze the tree. To turn back instead, {@link #kill}. */
  public void go() throws IOException {
    if (barrier == null) {
      throw new IllegalStateException("the dump was started without a barrier");
    }
    barrier.answer(Barrier.Answer.GO);
  }

  /**
   * Waits until all images are written, the tree is frozen and the page server listens.
   *
   * @throws CriuFailure if CRIU fails or takes too long, for which it is killed; the tree runs on
   */
  public void awaitReady(Duration timeout) throws IOException, InterruptedException {
    process.awaitReady(timeout);
  }

  /**
   * Ends the dump well: CRIU lets go of the tree, stopped, and exits with 0.
   *
   * @throws CriuFailure if CRIU answers or ends otherwise, or not in time. What became of the tree
   *     must then be looked at.
   */
  public void closePageServer(Duration timeout) throws IOException, InterruptedException {
    Optional<Integer> answer =
        within(timeout, () -> PageServerClient.connect(port, layout).close());
    Optional<Integer> exit = process.awaitExit(timeout);
    boolean exitedWell =
        exit.isPresent() && (exit.get() == 0 || exit.get() == CriuProcess.UNKNOWN_STATUS);
    if (answer.isEmpty() || answer.get() != 0 || !exitedWell) {
      throw process.failed("did not end well; its page server answered " + answer);
    }
  }

  /**
   * Makes the dump fail, so that the tree runs on, and waits for CRIU's end. Kills a CRIU that does
   * not follow in time, which has the same outcome. A tree that the agent has frozen by its control
   * group stays frozen.
   */
  public void abort(Duration timeout) throws IOException, InterruptedException {
    try {
      within(
          timeout,
          () -> {
            PageServerClient.connect(port, layout).abort();
            return true;
          });
      if (process.awaitExit(timeout).isPresent()) {
        return;
      }
    } catch (IOException _) {
      // Not reachable (any more); the kill below has the same outcome for the tree.
    }
    process.kill();
  }

  /** Kills CRIU at once; the tree runs on unless the agent has frozen it by its control group. */
  public void kill() throws IOException {
    process.kill();
    if (watch != null) {
      watch.close();
    }
  }

  /** CRIU's exit status: 0 if the tree was left stopped; 128 and the signal if it was killed. */
  public CompletableFuture<Integer> exit() {
    return process.exit();
  }

  private static <T> T within(Duration timeout, Callable<T> exchange)
      throws IOException, InterruptedException {
    FutureTask<T> task = new FutureTask<>(exchange);
    Thread.ofVirtual().name("criu-page-server").start(task);
    try {
      return task.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException failure) {
      throw new IOException("talking to CRIU's page server failed", failure.getCause());
    } catch (TimeoutException late) {
      throw new IOException("CRIU's page server did not answer within " + timeout, late);
    } finally {
      // Interrupts a blocked exchange, which closes its socket.
      task.cancel(true);
    }
  }

  /**
   * A port that nobody has now. CRIU binds it a moment later: one of those that the kernel gives to
   * whoever asks for any could be somebody else's by then. If this one is, CRIU fails and the tree
   * runs on.
   */
  private static int freePort() throws IOException {
    for (int tries = 0; tries < MOST_TRIES; tries++) {
      int port = ThreadLocalRandom.current().nextInt(FIRST_PORT, FIRST_OF_THE_KERNEL);
      if (isFree(port)) {
        return port;
      }
    }
    throw new IOException(
        "no port from %d to %d is free on 127.0.0.1".formatted(FIRST_PORT, FIRST_OF_THE_KERNEL));
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.ofLiteral("127.0.0.1"))) {
      return socket.isBound();
    } catch (IOException e) {
      return false;
    }
  }
}
