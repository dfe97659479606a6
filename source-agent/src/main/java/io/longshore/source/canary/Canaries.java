package io.longshore.source.canary;

import io.longshore.agent.migration.Step;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.lifecycle.Component;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The canaries of this host, each in a folder of its own below one folder. Thread-safe. */
public final class Canaries implements Component {
  private static final Logger log = LoggerFactory.getLogger(Canaries.class);
  private static final Pattern ID = Pattern.compile("[a-z0-9][a-z0-9-]{0,63}");
  private static final int MEBIBYTES = 64;

  /** Longer than the coordinator lets a self-test take. */
  private static final Duration LIFETIME = Duration.ofMinutes(2);

  private static final Duration ANSWERED = Duration.ofSeconds(10);
  private static final Duration ENDED = Duration.ofSeconds(2);

  private final Path folder;
  private final Map<String, Entry> canaries = new HashMap<>();

  private record Entry(Canary canary, Step<Integer> start) {}

  /**
   * @param folder theirs alone, on a file system from which programs can be run
   */
  public Canaries(Path folder) {
    this.folder = folder;
  }

  /** Ends what an agent before this one left. */
  @Override
  public void start() throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    List<Path> left;
    try (Stream<Path> folders = Files.list(folder)) {
      left = folders.toList();
    }
    for (Path canary : left) {
      log.info("Ending a canary that an earlier agent left: {}", canary.getFileName());
      endQuietly(new Canary(canary));
    }
  }

  /**
   * Starts a canary and waits until its memory is filled. Repeated: answers the same.
   *
   * @return process id of its root
   * @throws LongshoreException SELF_TEST_FAILED if the host does not let it run
   */
  public int start(String id) {
    checkId(id);
    Entry entry;
    synchronized (canaries) {
      entry =
          canaries.computeIfAbsent(
              id, key -> new Entry(new Canary(folder.resolve(key)), new Step<>("canary-" + key)));
    }
    return Step.join(
        entry.start.order(
            () -> {
              try {
                return entry.canary.start(MEBIBYTES, LIFETIME);
              } catch (IOException e) {
                throw new LongshoreException(
                    Reason.SELF_TEST_FAILED, "cannot start the canary: " + e.getMessage(), e);
              }
            }));
  }

  /**
   * Has a canary check all its memory, then ends it and removes all that belonged to it.
   *
   * @return how many pages it checked in its life
   * @throws LongshoreException NOT_FOUND; WORKLOAD_LOST if it does not answer or its memory is
   *     wrong, when it is gone too
   */
  public long end(String id) throws InterruptedException {
    checkId(id);
    Entry entry;
    synchronized (canaries) {
      entry = canaries.remove(id);
    }
    if (entry == null) {
      throw new LongshoreException(Reason.NOT_FOUND, "there is no canary " + id + " here");
    }
    entry.start.awaitEnd();
    @Nullable LongshoreException failure = null;
    long pages = 0;
    try {
      pages = entry.canary.ask(ANSWERED);
    } catch (LongshoreException e) {
      failure = e;
    } catch (IOException e) {
      failure =
          new LongshoreException(
              Reason.WORKLOAD_LOST, "cannot ask the canary: " + e.getMessage(), e);
    }
    try {
      entry.canary.end(ENDED);
    } catch (IOException e) {
      throw new LongshoreException(
          Reason.SELF_TEST_FAILED, "the canary is not gone: " + e.getMessage(), e);
    }
    if (failure != null) {
      throw failure;
    }
    return pages;
  }

  /** Ends those that are left. */
  @Override
  public void stop() {
    List<Entry> left;
    synchronized (canaries) {
      left = List.copyOf(canaries.values());
      canaries.clear();
    }
    for (Entry entry : left) {
      entry.start.awaitEnd();
      endQuietly(entry.canary);
    }
  }

  private static void endQuietly(Canary canary) {
    try {
      canary.end(ENDED);
    } catch (IOException e) {
      log.warn("A canary is left behind, until its own time limit: {}", e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void checkId(String id) {
    if (!ID.matcher(id).matches()) {
      throw new LongshoreException(
          Reason.INVALID_ARGUMENT, "canary_id must be 1 to 64 lower-case letters, digits and '-'");
    }
  }
}
