package io.longshore.linux.network;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What ip(8) says, in the calling thread's network namespace. */
final class IpJson {
  private IpJson() {}

  /** Runs {@code ip -json} with these arguments, which are to print a list. */
  static List<JsonObject> list(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("ip", "-json"));
    command.addAll(List.of(arguments));
    String output = Program.run(command, "");
    List<JsonObject> objects = new ArrayList<>();
    try {
      // An empty list is printed as nothing by some commands.
      if (!output.isEmpty()) {
        for (JsonElement element : JsonParser.parseString(output).getAsJsonArray()) {
          // Some versions print an empty object for what was filtered out.
          if (!element.getAsJsonObject().isEmpty()) {
            objects.add(element.getAsJsonObject());
          }
        }
      }
      return objects;
    } catch (JsonParseException | IllegalStateException e) {
      throw new IOException(
          "expected a list of JSON from %s, found: %s".formatted(String.join(" ", command), output),
          e);
    }
  }

  /** A value as text; empty if it is not there. */
  static String text(JsonObject object, String key) {
    JsonElement found = object.get(key);
    return found == null ? "" : found.getAsString();
  }

  /** A number; the other if it is not there. */
  static long number(JsonObject object, String key, long other) {
    JsonElement found = object.get(key);
    return found == null ? other : found.getAsLong();
  }

  static boolean flag(JsonObject object, String key) {
    JsonElement found = object.get(key);
    return found != null && found.isJsonPrimitive() && found.getAsBoolean();
  }

  /** An object in it; an empty one if it is not there. */
  static JsonObject object(JsonObject object, String key) {
    JsonElement found = object.get(key);
    return found == null ? new JsonObject() : found.getAsJsonObject();
  }

  /** A list of words in it; empty if it is not there. */
  static Set<String> words(JsonObject object, String key) {
    Set<String> words = new TreeSet<>();
    if (object.has(key)) {
      object.getAsJsonArray(key).forEach(word -> words.add(word.getAsString()));
    }
    return words;
  }
}
