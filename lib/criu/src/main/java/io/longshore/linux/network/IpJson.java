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

/** What ip(8) says. */
final class IpJson {
  private IpJson() {}

  /** Runs {@code ip -json} with these arguments, which are to print a list, in a namespace. */
  static List<JsonObject> list(NetworkNamespace namespace, String... arguments) throws IOException {
    List<String> command = command(arguments);
    return parse(command, namespace.run(command, ""));
  }

  /** The same in the calling thread's own namespace. */
  static List<JsonObject> list(String... arguments) throws IOException {
    List<String> command = command(arguments);
    return parse(command, Program.run(command, ""));
  }

  private static List<String> command(String... arguments) {
    List<String> command = new ArrayList<>(List.of("ip", "-json"));
    command.addAll(List.of(arguments));
    return command;
  }

  private static List<JsonObject> parse(List<String> command, String output) throws IOException {
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
