package io.longshore.criu.rpc;

import io.longshore.criu.run.Criu;
import io.longshore.criu.run.RestorePlace;
import io.longshore.linux.NamedCgroups;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A small program ({@code criu_for_runc.c}) that runc takes for CRIU, while an agent drives the
 * real one. It takes down what runc asks for, and tells runc at the agent's order what has come of
 * it. It lives as long as runc waits for it, also when the agent is killed: the next one goes on
 * with {@link #attach}.
 *
 * <p>In order: {@link #prepare}; runc is started with {@link #environment}; {@link #awaitRequest};
 * {@link #tell}; {@link #done} or {@link #fail}. One thread at a time.
 */
public final class RuncStandIn implements AutoCloseable {
  /** After runc has made a container's namespaces; it runs hooks then. */
  public static final String SETUP_NAMESPACES = "setup-namespaces";

  /** After all is restored; runc writes down then that there is the container. */
  public static final String POST_RESTORE = "post-restore";

  private static final Duration LOOK = Duration.ofMillis(2);
  private static final Duration SOON = Duration.ofSeconds(5);
  private static final int LONGEST_WHY = 200;
  private static final String NOTHING = "nothing";

  private final StandInFolder folder;
  private @Nullable OrderSocket orders;

  /**
   * How far it is.
   *
   * @param type what runc asks for
   * @param pid the stand-in's own
   * @param told the last notification that runc has answered; empty if there was none
   * @param root the process that it was told with it; 0 if there was none
   */
  public record State(CriuRequest.Type type, int pid, Optional<String> told, int root) {}

  private RuncStandIn(Path folder) {
    this.folder = new StandInFolder(folder);
  }

  /**
   * Puts the program where runc will find it.
   *
   * @param folder that is made, in one which only its owner can look into and where programs can be
   *     run; for one exchange with runc
   */
  public static RuncStandIn prepare(Path folder) throws IOException {
    RuncStandIn prepared = new RuncStandIn(folder);
    prepared.folder.create();
    return prepared;
  }

  /**
   * Takes up one that an earlier agent prepared.
   *
   * @return empty if it has not taken a request, or has ended: with runc, or because of its end
   */
  public static Optional<RuncStandIn> attach(Path folder) throws IOException {
    RuncStandIn found = new RuncStandIn(folder);
    try {
      found.connect();
      return Optional.of(found);
    } catch (IOException e) {
      // Its socket is there as long as the folder, but nobody listens any more.
      found.close();
      return Optional.empty();
    }
  }

  /** As {@link #attach}, without looking whether it lives. */
  public static RuncStandIn in(Path folder) {
    return new RuncStandIn(folder);
  }

  /** What runc's environment must have. */
  public Map<String, String> environment(Criu criu) {
    String path = Objects.requireNonNullElse(System.getenv("PATH"), "/usr/bin:/bin");
    return Map.of(
        "PATH",
        folder.programs() + File.pathSeparator + path,
        "LONGSHORE_CRIU_BEHIND",
        criu.executable().toString(),
        "LONGSHORE_STAND_IN",
        folder.exchange().toString());
  }

  /**
   * Waits until runc has asked.
   *
   * @param runcLives asked again and again
   * @throws UnknownRequestException if runc asks for something that is not known here; it still
   *     waits for an answer
   * @throws IOException if runc ends before, does not ask in time, or cannot be understood by the
   *     stand-in
   */
  public CriuRequest awaitRequest(BooleanSupplier runcLives, Duration limit) throws IOException {
    long end = System.nanoTime() + limit.toNanos();
    while (!Files.exists(folder.request())) {
      boolean lives = runcLives.getAsBoolean();
      Optional<String> error = folder.error();
      if (error.isPresent()) {
        throw new IOException(error.get());
      }
      if (!lives && !Files.exists(folder.request())) {
        throw new EOFException("runc ended before it asked CRIU for anything");
      }
      if (System.nanoTime() > end) {
        throw new IOException("runc did not ask CRIU for anything within " + limit);
      }
      LockSupport.parkNanos(LOOK.toNanos());
    }
    return request();
  }

  /** What runc has asked for. */
  public CriuRequest request() throws IOException {
    return CriuRequest.read(folder.request());
  }

  /** Asks it. */
  public State state() throws IOException {
    String answer = ask("state", SOON);
    String[] words = answer.split(" ", -1);
    if (words.length != 5 || !words[0].equals("state")) {
      throw new IOException("asked for its state, the stand-in for CRIU said \"" + answer + "\"");
    }
    return new State(
        words[1].equals("dump") ? CriuRequest.Type.DUMP : CriuRequest.Type.RESTORE,
        Integer.parseInt(words[2]),
        words[3].equals(NOTHING) ? Optional.empty() : Optional.of(words[3]),
        Integer.parseInt(words[4]));
  }

  /**
   * Tells runc that a restore has come to a point, and waits until runc has done what it does then.
   *
   * @param root the first process of what is restored
   * @throws EOFException if runc failed of it, or is gone
   */
  public void tell(String notification, int root, Duration limit) throws IOException {
    require("notify %s %d".formatted(notification, root), limit);
  }

  /** Tells runc that all went well. Of a restore after {@link #POST_RESTORE}. */
  public void done() throws IOException {
    require("done", SOON);
  }

  /**
   * Tells runc that it failed: of a restore it removes what it has made. That is no error if runc
   * is gone.
   */
  public void fail(String why) throws IOException {
    String line = why.replaceAll("\\p{Cntrl}", " ");
    byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
    String shortened =
        bytes.length <= LONGEST_WHY
            ? line
            : line.substring(0, Math.min(line.length(), LONGEST_WHY / 4));
    try {
      require("fail " + shortened, SOON);
    } catch (EOFException e) {
      // It needs no answer any more.
    }
  }

  /**
   * Where our CRIU has to be started for the restore that runc asks for: among the mounts that runc
   * has made, and in the container's control groups. What the container had as standard streams and
   * was a pipe to something outside is /dev/null then.
   *
   * @param ownNetwork as in {@link CriuOptionsOfRunc#restore}
   */
  public RestorePlace place(CriuRequest request, Optional<String> ownNetwork) throws IOException {
    int pid = state().pid();
    List<String> launch = new ArrayList<>(List.of(folder.launcher().toString()));
    launch.addAll(List.of("--mount-namespace", "/proc/" + pid + "/ns/mnt"));
    launch.addAll(List.of("--cgroups", cgroups().toString()));
    CriuOptionsOfRunc.OfRestore options =
        CriuOptionsOfRunc.restore(request, NamedCgroups.folders(cgroups()), ownNetwork);
    options
        .descriptors()
        .forEach(
            (number, source) ->
                launch.addAll(List.of("--descriptor", number + "=" + words(source, pid))));
    launch.add("--");
    return new RestorePlace(launch, options.options(), true);
  }

  private static String words(CriuOptionsOfRunc.Source source, int standIn) {
    return switch (source) {
      case CriuOptionsOfRunc.Source.File(String path) -> path;
      case CriuOptionsOfRunc.Source.OfStandIn(int number) ->
          number <= 2 ? "/dev/null" : standIn + ":" + number;
    };
  }

  /**
   * The container's control groups as runc made them for a restore, like {@code /proc/PID/cgroup}.
   */
  public Path cgroups() {
    return folder.cgroups();
  }

  /** Whether it has taken a request. It may have ended since. */
  public boolean hasRequest() {
    return Files.exists(folder.request());
  }

  /** Its process, if it lives. */
  public OptionalInt pid() {
    try {
      return OptionalInt.of(state().pid());
    } catch (IOException e) {
      return OptionalInt.empty();
    }
  }

  private void require(String order, Duration limit) throws IOException {
    String answer = ask(order, limit);
    if (answer.equals("gone")) {
      throw new EOFException("runc has ended");
    }
    if (!answer.equals("ok")) {
      throw new IOException(
          "told to \"%s\", the stand-in for CRIU said \"%s\"".formatted(order, answer));
    }
  }

  private String ask(String order, Duration limit) throws IOException {
    try {
      return connect().ask(order, limit);
    } catch (IOException e) {
      // An answer that comes too late must not be taken for that of the next order.
      close();
      throw e;
    }
  }

  private OrderSocket connect() throws IOException {
    OrderSocket connected = orders;
    if (connected == null) {
      connected = OrderSocket.connect(folder.socket());
      orders = connected;
    }
    return connected;
  }

  /** Lets go of it; it goes on. */
  @Override
  public void close() throws IOException {
    OrderSocket connected = orders;
    orders = null;
    if (connected != null) {
      connected.close();
    }
  }
}
