package io.longshore.agent.runc;

import com.google.gson.JsonArray;
import io.longshore.criu.rpc.CriuRequest;
import io.longshore.criu.rpc.RuncStandIn;
import io.longshore.criu.rpc.UnknownRequestException;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.RestorePlace;
import io.longshore.linux.NamedCgroups;
import io.longshore.linux.ProcessFamily;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@code runc restore} behind which an agent drives CRIU. runc makes the container's control
 * groups and mounts, and keeps the container in its books.
 *
 * <p>In order: {@link #start}, when runc has made what it makes before the restore; our CRIU is
 * started at {@link #place}; {@link #namespacesMade}; {@link #held}, when all is restored and
 * nothing runs; then the container is let run, and {@link #done}. Until {@link #held} anything that
 * fails, and until it runs {@link #abort}, means that there will be no container; CRIU is aborted
 * first. An agent that comes after another goes on with {@link #takeUp}. One thread at a time.
 */
public final class RuncRestore implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RuncRestore.class);
  private static final Duration LIMIT = Duration.ofMinutes(1);
  private static final Duration LOOK = Duration.ofMillis(50);

  private final Runc runc;
  private final String id;
  private final Path folder;
  private final RuncStandIn standIn;
  private final RuncProcess process;
  private final LiftedLimits limits;

  /**
   * What is restored.
   *
   * @param id of the container, of which there must be none
   * @param bundle its folder
   * @param descriptors as {@link RuncCheckpoint} found them
   */
  public record Order(String id, Path bundle, String descriptors) {
    /** With what the first three descriptors are, one by one. */
    public static Order of(String id, Path bundle, List<String> descriptors) {
      JsonArray array = new JsonArray();
      descriptors.forEach(array::add);
      return new Order(id, bundle, array.toString());
    }

    /** Refuses what is no name. */
    public Order {
      bundle = bundle.toAbsolutePath();
      Runc.checked(id);
    }
  }

  private RuncRestore(Runc runc, String id, Path folder, RuncStandIn standIn, RuncProcess process) {
    this.runc = runc;
    this.id = id;
    this.folder = folder;
    this.standIn = standIn;
    this.process = process;
    this.limits = new LiftedLimits(folder);
  }

  /**
   * Starts it, and waits until runc has made what it makes before the restore.
   *
   * @param folder that is made for it, where programs can be run; to be removed by the caller when
   *     the container runs, or was aborted
   * @throws LongshoreException RUNTIME_FAILED if runc refuses; RUNTIME_INCOMPATIBLE if it asks for
   *     something that is not known here. Nothing is left then but the folder
   */
  public static RuncRestore start(Runc runc, Criu criu, Path folder, Order order)
      throws IOException, InterruptedException {
    Path absolute = folder.toAbsolutePath().normalize();
    RuncStandIn standIn = RuncStandIn.prepare(absolute);
    Path images =
        Files.createDirectory(
            absolute.resolve("runc-images"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Files.writeString(images.resolve(RuncCheckpoint.DESCRIPTORS), order.descriptors());
    List<String> arguments =
        List.of(
            "restore",
            "--detach",
            "--bundle",
            order.bundle().toString(),
            "--image-path",
            images.toString(),
            "--work-path",
            images.toString(),
            "--tcp-established",
            "--file-locks",
            "--ext-unix-sk",
            order.id());
    RuncProcess process = RuncProcess.start(runc, arguments, standIn.environment(criu), absolute);
    RuncRestore started = new RuncRestore(runc, order.id(), absolute, standIn, process);
    boolean asked = false;
    try {
      standIn.awaitRequest(process::isAlive, LIMIT);
      StateFolder.of(runc.stateFolder(order.id())).write(absolute);
      started.limits.lift(standIn.cgroups());
      asked = true;
      return started;
    } catch (UnknownRequestException e) {
      throw new LongshoreException(
          Reason.RUNTIME_INCOMPATIBLE,
          "the options that runc has for the container %s are not all known: %s"
              .formatted(order.id(), e.getMessage()),
          e);
    } catch (IOException e) {
      throw started.failed(e);
    } finally {
      if (!asked) {
        started.abort("it cannot be restored");
      }
    }
  }

  /**
   * Takes up one that an earlier agent started, wherever it has come to.
   *
   * @return empty if none was started there
   */
  public static Optional<RuncRestore> takeUp(Runc runc, Path folder, String id) throws IOException {
    Path absolute = folder.toAbsolutePath().normalize();
    Optional<RuncProcess> process = RuncProcess.attach(absolute);
    return process.map(
        found ->
            new RuncRestore(runc, Runc.checked(id), absolute, RuncStandIn.in(absolute), found));
  }

  /**
   * Where our CRIU has to be started.
   *
   * @param ownNetwork the file of the network namespace that was made for it, if it was dumped as
   *     one from outside
   */
  public RestorePlace place(Optional<String> ownNetwork) throws IOException {
    try {
      CriuRequest request = standIn.request();
      return standIn.place(request, ownNetwork);
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** Tells runc that the namespaces are there; it runs hooks and answers when they have ended. */
  public void namespacesMade(int root) throws IOException {
    tell(RuncStandIn.SETUP_NAMESPACES, root);
  }

  /**
   * Tells runc that all is restored. When this returns, runc has the container in its books, and
   * nobody but its processes is in its control groups, whose limits hold again.
   */
  public void held(int root) throws IOException {
    tell(RuncStandIn.POST_RESTORE, root);
    Set<Integer> processes =
        ProcessFamily.below(root).stream().map(Member::pid).collect(Collectors.toSet());
    NamedCgroups.leave(standIn.cgroups(), processes);
    limits.setAgain();
  }

  /**
   * Tells runc that the container runs, and waits for its end. A runc that was killed after {@link
   * #held} needs no telling: it has written down what there is to know.
   *
   * @return whether runc has the container in its books. If not, {@link #registerLate} is left
   */
  public boolean done() throws IOException, InterruptedException {
    try {
      standIn.done();
      if (!process.awaitEnd(LIMIT)) {
        log.warn("runc restore {} was told that it is done, and has not ended after {}", id, LIMIT);
      }
    } catch (IOException e) {
      log.warn(
          "runc restore {} could not be told that the container runs: {}",
          id,
          failed(e).getMessage());
    }
    // It would go on waiting for nothing.
    process.kill();
    removeMountPoint();
    limits.setAgain();
    return runc.state(id).isPresent();
  }

  /**
   * Enters a container that runs into runc's books: after its runc, or what stands in for CRIU, was
   * killed before {@link #held}, or has lost what it knew.
   *
   * @param another folder, as for {@link #start}
   * @param root first process of the container
   * @throws LongshoreException as {@link #start}; the container runs on unknown to runc
   */
  public static void registerLate(Runc runc, Criu criu, Path another, Order order, int root)
      throws IOException, InterruptedException {
    RuncRestore late = start(runc, criu, another, order);
    boolean held = false;
    try {
      late.held(root);
      held = true;
    } finally {
      if (!held) {
        late.abort("it cannot be entered");
      }
    }
    if (!late.done()) {
      throw late.process.failed("restore " + order.id());
    }
  }

  /**
   * Has runc remove what it has made: control groups, mounts, and its books. Does it itself if runc
   * was killed. Can be repeated. When CRIU, and what it restored, has ended.
   *
   * @return what could not be removed, because processes are in it
   */
  public List<Path> abort(String why) throws IOException, InterruptedException {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (process.isAlive() && System.nanoTime() < end) {
      try {
        standIn.fail(why);
        process.awaitEnd(LIMIT);
      } catch (IOException e) {
        // It has not asked yet, or its stand-in was killed: then it removes what it has made, and
        // ends.
        log.debug("The stand-in for CRIU of {} does not listen: {}", id, e.getMessage());
        process.awaitEnd(LOOK);
      }
    }
    process.kill();
    // Not what somebody else may have made of that name since.
    if (StateFolder.written(folder).map(ours -> ours.isStill(runc.stateFolder(id))).orElse(false)) {
      runc.deleteForcibly(id);
    }
    return Files.exists(standIn.cgroups()) ? NamedCgroups.remove(standIn.cgroups()) : List.of();
  }

  /** Of a runc that was killed; its mount was in a namespace that is gone. */
  private void removeMountPoint() throws IOException {
    Files.deleteIfExists(runc.stateFolder(id).resolve("criu-root"));
  }

  private void tell(String notification, int root) throws IOException {
    try {
      standIn.tell(notification, root, LIMIT);
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private LongshoreException failed(IOException noticed) {
    return process.failed("restore " + id, noticed);
  }

  /** Lets go of it; it goes on. */
  @Override
  public void close() throws IOException {
    standIn.close();
  }
}
