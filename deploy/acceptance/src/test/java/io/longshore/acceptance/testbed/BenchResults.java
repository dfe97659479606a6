package io.longshore.acceptance.testbed;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What was measured in all sessions: {@code matrix.json}, a row for each run of a way with a
 * workload over a link. A row that is measured again replaces the older one.
 */
final class BenchResults {
  private static final List<String> KEY = List.of("link", "workload", "way", "run");

  private final Path folder;
  private final List<JsonObject> rows = new ArrayList<>();

  /**
   * Reads what is there.
   *
   * @param folder of matrix.json and of all that is made of it
   */
  BenchResults(Path folder) throws IOException {
    this.folder = folder;
    if (Files.exists(file())) {
      for (JsonElement row :
          JsonParser.parseString(Files.readString(file()))
              .getAsJsonObject()
              .getAsJsonArray("rows")) {
        rows.add(row.getAsJsonObject());
      }
    }
  }

  private Path file() {
    return folder.resolve("matrix.json");
  }

  List<JsonObject> rows() {
    return List.copyOf(rows);
  }

  /** Adds a row and writes all. */
  void put(JsonObject row) throws IOException {
    int index = 0;
    while (index < rows.size() && !isSame(rows.get(index), row)) {
      index++;
    }
    if (index == rows.size()) {
      rows.add(row);
    } else {
      rows.set(index, row);
    }
    JsonObject all = new JsonObject();
    JsonArray array = new JsonArray();
    rows.forEach(array::add);
    all.add("rows", array);
    Files.createDirectories(folder);
    Files.writeString(file(), new GsonBuilder().setPrettyPrinting().create().toJson(all) + "\n");
    writeTable();
  }

  /** Makes of the rows what people read: the table and the plots. */
  void writeTable() throws IOException {
    Map<String, String> plots = BenchPlots.of(rows);
    for (Map.Entry<String, String> plot : plots.entrySet()) {
      Files.writeString(folder.resolve(plot.getKey()), plot.getValue());
    }
    String text = BenchTable.of(rows, plots.keySet());
    Path tracking = folder.resolve("tracking.json");
    if (Files.exists(tracking)) {
      text +=
          BenchTable.ofTracking(
              JsonParser.parseString(Files.readString(tracking)).getAsJsonObject());
    }
    Files.writeString(folder.resolve("matrix.md"), text);
  }

  private static boolean isSame(JsonObject one, JsonObject other) {
    return KEY.stream().allMatch(name -> one.get(name).equals(other.get(name)));
  }

  /** Without measuring: deploy/bench table. The argument is the folder. */
  public static void main(String[] arguments) throws IOException {
    new BenchResults(Path.of(arguments[0])).writeTable();
  }
}
