package io.longshore.target.runtime;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.agent.runc.Runc;
import io.longshore.agent.runc.RuncRestore;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.RestorePlace;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A container of runc on its way in. What there is of it on the host is runc's, which waits behind
 * the stand-in for CRIU until it is told that it is restored, or that it failed.
 */
final class ComingContainer implements Coming {
  private static final Logger log = LoggerFactory.getLogger(ComingContainer.class);
  private static final String FOLDER = "runc";

  private final Runc runc;
  private final Supplier<Optional<Criu>> criu;
  private final Path folder;
  private final RuntimeRecord record;
  private final RuncRestore.@Nullable Order order;
  private final boolean closesConnections;

  @GuardedBy("this")
  private @Nullable RuncRestore restore;

  @GuardedBy("this")
  private boolean removed;

  /**
   * @param folder of the migration
   * @param order null if an agent before this one has begun
   */
  ComingContainer(
      Runc runc,
      Supplier<Optional<Criu>> criu,
      Path folder,
      RuntimeRecord record,
      RuncRestore.@Nullable Order order,
      boolean closesConnections) {
    this.runc = runc;
    this.criu = criu;
    this.folder = folder.resolve(FOLDER);
    this.record = record;
    this.order = order;
    this.closesConnections = closesConnections;
  }

  @Override
  public RuntimeRecord record() {
    return record;
  }

  @Override
  public synchronized void prepare() throws IOException, InterruptedException {
    if (removed) {
      throw new LongshoreException(Reason.CANCELLED, "the migration was aborted");
    }
    if (order == null) {
      throw new IllegalStateException("an agent before this one has prepared it");
    }
    Criu works =
        criu.get()
            .orElseThrow(
                () ->
                    new LongshoreException(
                        Reason.CRIU_MISSING, "the target has no CRIU that works on its kernel"));
    restore = RuncRestore.start(runc, works, folder, order);
  }

  @Override
  public synchronized RestorePlace place() throws IOException {
    RestorePlace place = expected().place(Optional.empty());
    if (!closesConnections) {
      return place;
    }
    List<String> options = new ArrayList<>(place.options());
    options.add("--tcp-close");
    return new RestorePlace(place.launcher(), options, place.heldAtNamespaces());
  }

  @Override
  public synchronized void namespacesMade(int root) throws IOException {
    expected().namespacesMade(root);
  }

  @Override
  public synchronized void held(int root) throws IOException {
    expected().held(root);
  }

  @Override
  public synchronized void running() {
    try {
      Optional<RuncRestore> known = known();
      if (known.isPresent() && !known.get().done()) {
        log.error(
            "{} runs, and runc does not know of it: its books were changed meanwhile",
            record.workload());
      }
    } catch (IOException | LongshoreException e) {
      log.error("{} runs, but runc could not be told", record.workload(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public synchronized void remove() throws IOException, InterruptedException {
    removed = true;
    Optional<RuncRestore> known = known();
    if (known.isEmpty()) {
      return;
    }
    List<Path> busy = known.get().abort("the migration was rolled back");
    if (!busy.isEmpty()) {
      throw new LongshoreException(
          Reason.RUNTIME_FAILED,
          "control groups of %s have processes and cannot be removed: %s"
              .formatted(record.workload(), busy));
    }
  }

  /** The one that was started, by this agent or one before it. */
  @GuardedBy("this")
  private Optional<RuncRestore> known() throws IOException {
    if (restore == null) {
      restore = RuncRestore.takeUp(runc, folder, record.workload().name()).orElse(null);
    }
    return Optional.ofNullable(restore);
  }

  @GuardedBy("this")
  private RuncRestore expected() {
    if (removed) {
      throw new LongshoreException(Reason.CANCELLED, "the migration was aborted");
    }
    if (restore == null) {
      throw new IllegalStateException("it was not prepared");
    }
    return restore;
  }
}
