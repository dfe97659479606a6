package io.longshore.agent.runc;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads JSON of runc's. A thing that is of another kind than it should be is an {@link
 * IllegalArgumentException} that names it; what is missing, or null, is empty.
 */
final class Json {
  private Json() {}

  static JsonElement parse(String text) {
    try {
      return JsonParser.parseString(text);
    } catch (JsonParseException e) {
      throw new IllegalArgumentException("it is no JSON: " + e.getMessage(), e);
    }
  }

  static JsonObject object(JsonElement element, String name) {
    if (!(element instanceof JsonObject object)) {
      throw new IllegalArgumentException(name + " is no object");
    }
    return object;
  }

  static Optional<JsonObject> object(JsonObject of, String name) {
    return Optional.ofNullable(of.get(name))
        .filter(found -> !found.isJsonNull())
        .map(found -> object(found, name));
  }

  static List<JsonElement> array(JsonElement element, String name) {
    if (element.isJsonNull()) {
      return List.of();
    }
    if (!(element instanceof JsonArray array)) {
      throw new IllegalArgumentException(name + " is no list");
    }
    return array.asList();
  }

  /** Objects of a list. */
  static List<JsonObject> objects(JsonObject of, String name) {
    List<JsonObject> objects = new ArrayList<>();
    for (JsonElement each : elements(of, name)) {
      objects.add(object(each, "one of " + name));
    }
    return List.copyOf(objects);
  }

  /** Texts of a list. */
  static List<String> texts(JsonObject of, String name) {
    List<String> texts = new ArrayList<>();
    for (JsonElement each : elements(of, name)) {
      texts.add(primitive(each, "one of " + name).getAsString());
    }
    return List.copyOf(texts);
  }

  static Optional<String> text(JsonObject of, String name) {
    return value(of, name).map(JsonPrimitive::getAsString);
  }

  /** False if it is missing. */
  static boolean flag(JsonObject of, String name) {
    return value(of, name).map(JsonPrimitive::getAsBoolean).orElse(false);
  }

  /** 0 if it is missing. */
  static int number(JsonObject of, String name) {
    try {
      return value(of, name).map(found -> Integer.parseInt(found.getAsString())).orElse(0);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(name + " is no number of 32 bits", e);
    }
  }

  private static List<JsonElement> elements(JsonObject of, String name) {
    JsonElement found = of.get(name);
    return found == null ? List.of() : array(found, name);
  }

  private static Optional<JsonPrimitive> value(JsonObject of, String name) {
    return Optional.ofNullable(of.get(name))
        .filter(found -> !found.isJsonNull())
        .map(found -> primitive(found, name));
  }

  private static JsonPrimitive primitive(JsonElement element, String name) {
    if (!(element instanceof JsonPrimitive primitive)) {
      throw new IllegalArgumentException(name + " is no single value");
    }
    return primitive;
  }
}
