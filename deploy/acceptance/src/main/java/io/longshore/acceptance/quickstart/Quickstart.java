package io.longshore.acceptance.quickstart;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/**
 * Puts together what the steps of deploy/quickstart left in its folder. Arguments: {@code text} or
 * {@code json}, and the folder. Exit status 0 if nothing was wrong.
 */
public final class Quickstart {
  private Quickstart() {}

  /** Prints the report. */
  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[1]);
    Outcome outcome =
        new Outcome(
            json(folder, "migration.json"),
            json(folder, "load.json"),
            json(folder, "check.json"),
            json(folder, "disk-a.json"),
            json(folder, "disk-b.json"),
            Set.copyOf(Files.readAllLines(folder.resolve("host-a.txt"))),
            Set.copyOf(Files.readAllLines(folder.resolve("host-b.txt"))));
    if (arguments[0].equals("json")) {
      System.out.println(outcome.toJson());
    } else {
      System.out.print(TextReport.of(outcome, json(folder, "fill.json")));
    }
    outcome.problems().forEach(problem -> System.err.println("quickstart: " + problem));
    System.exit(outcome.problems().isEmpty() ? 0 : 1);
  }

  private static JsonObject json(Path folder, String name) throws IOException {
    return JsonParser.parseString(Files.readString(folder.resolve(name))).getAsJsonObject();
  }
}
