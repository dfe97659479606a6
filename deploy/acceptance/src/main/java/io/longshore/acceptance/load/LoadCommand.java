package io.longshore.acceptance.load;

import com.google.gson.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Reads and writes on many connections until standard input ends. */
@Command(
    name = "load",
    description = {
      "Reads and writes on many connections and checks every answer. Each connection waits for its answer and then for the",
      "pause, so the rate is at most connections / pause: without a pause the client would take the processors from what it",
      "measures. Prints 'ready' when it is warm. Then standard input tells it what happens: the lines 'during' and 'after'",
      "begin a new part of the report; its end stops the load and prints the report."
    })
final class LoadCommand implements Callable<Integer> {
  @Mixin private ServerOptions server = new ServerOptions();

  @Mixin private Pace pace = new Pace();

  @Option(names = "--owned-keys", defaultValue = "100", description = "Of each connection.")
  private int ownedKeys;

  @Option(
      names = "--zipf",
      defaultValue = "0",
      paramLabel = "EXPONENT",
      description =
          "How much more often some keys are used than others (default: ${DEFAULT-VALUE}, all as often).")
  private double zipf;

  @Option(names = "--versions", description = "File to write the versions of owned keys to.")
  private @Nullable Path versions;

  @Override
  public Integer call() throws Exception {
    List<LoadConnection> all = new ArrayList<>();
    Zipf filled = new Zipf(Math.toIntExact(server.filledKeys()), zipf);
    Zipf owned = new Zipf(ownedKeys, zipf);
    for (int index = 0; index < pace.connections(); index++) {
      all.add(
          new LoadConnection(
              index,
              server.connect(),
              server.content(),
              filled,
              owned,
              pace.pauseNanos(),
              ownedKeys,
              pace.phases(),
              pace::isStopped));
    }
    JsonObject report = pace.run(all);
    if (versions != null) {
      OwnedVersions.save(all.stream().map(LoadConnection::owned).toList(), versions);
    }
    System.out.println(report);
    return all.stream().allMatch(each -> each.answers().failed() == 0) ? 0 : 1;
  }
}
