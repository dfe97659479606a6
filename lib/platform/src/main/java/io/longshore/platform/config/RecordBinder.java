package io.longshore.platform.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import io.longshore.platform.value.ByteSize;
import io.longshore.platform.value.HostPort;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Makes a record of a section. The component {@code heartbeatTimeout} is the key {@code
 * heartbeat-timeout}; every component must have a key unless it is an {@link Optional}, and every
 * key a component. Components are int, long, double, boolean, String, enums (in kebab-case), {@link
 * Duration} ("5s"), {@link ByteSize} ("1MiB"), {@link HostPort}, {@link Path}, records, and {@link
 * List} or {@link Optional} of these.
 */
final class RecordBinder {
  private final String path;

  RecordBinder(String path) {
    this.path = path;
  }

  <C extends Record> C bind(Config section, Class<C> type) {
    RecordComponent[] components = type.getRecordComponents();
    Set<String> known =
        Arrays.stream(components).map(c -> kebab(c.getName())).collect(Collectors.toSet());
    for (String key : section.root().keySet()) {
      if (!known.contains(key)) {
        ConfigValue value = section.root().get(key);
        throw new ConfigurationException(
            "%sunknown key '%s.%s'; known here: %s"
                .formatted(
                    value == null ? "" : value.origin().description() + ": ",
                    path,
                    key,
                    known.stream().sorted().collect(Collectors.joining(", "))));
      }
    }
    Object[] values = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      String key = kebab(components[i].getName());
      values[i] = component(section, key, components[i].getGenericType());
    }
    return construct(type, components, values, section);
  }

  private Object component(Config section, String key, Type type) {
    boolean present = section.hasPath(ConfigUtil.quoteString(key));
    if (rawClass(type) == Optional.class) {
      return present ? Optional.of(value(section, key, argument(type))) : Optional.empty();
    }
    if (!present) {
      throw new ConfigurationException("missing key '%s.%s'".formatted(path, key));
    }
    return value(section, key, type);
  }

  private Object value(Config section, String key, Type type) {
    String quoted = ConfigUtil.quoteString(key);
    try {
      if (rawClass(type) == List.class) {
        List<Object> elements = new ArrayList<>();
        for (ConfigValue element : section.getList(quoted)) {
          elements.add(scalar(element.atKey("element"), "element", argument(type), key));
        }
        return List.copyOf(elements);
      }
      return scalar(section, quoted, type, key);
    } catch (ConfigException e) {
      throw new ConfigurationException(oneLine(e), e);
    } catch (IllegalArgumentException e) {
      throw new ConfigurationException(
          "%s: invalid value for '%s.%s': %s"
              .formatted(
                  section.getValue(quoted).origin().description(), path, key, e.getMessage()),
          e);
    }
  }

  private Object scalar(Config section, String at, Type type, String key) {
    Class<?> wanted = rawClass(type);
    if (wanted == int.class || wanted == Integer.class) {
      return section.getInt(at);
    } else if (wanted == long.class || wanted == Long.class) {
      return section.getLong(at);
    } else if (wanted == double.class || wanted == Double.class) {
      return section.getDouble(at);
    } else if (wanted == boolean.class || wanted == Boolean.class) {
      return section.getBoolean(at);
    } else if (wanted == String.class) {
      return section.getString(at);
    } else if (wanted == Duration.class) {
      return section.getDuration(at);
    } else if (wanted == ByteSize.class) {
      return ByteSize.parse(section.getString(at));
    } else if (wanted == HostPort.class) {
      return HostPort.parse(section.getString(at));
    } else if (wanted == Path.class) {
      return Path.of(section.getString(at));
    } else if (wanted.isEnum()) {
      return constant(wanted, section.getString(at));
    } else if (wanted.isRecord()) {
      return new RecordBinder(path + "." + key)
          .bind(section.getConfig(at), wanted.asSubclass(Record.class));
    }
    throw new IllegalStateException("configuration records cannot have a " + type);
  }

  private <C extends Record> C construct(
      Class<C> type, RecordComponent[] components, Object[] values, Config section) {
    Class<?>[] types =
        Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
    try {
      Constructor<C> constructor = type.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor.newInstance(values);
    } catch (InvocationTargetException e) {
      Throwable cause = e.getCause();
      if (cause instanceof IllegalArgumentException invalid) {
        throw new ConfigurationException(
            "%s: invalid section '%s': %s"
                .formatted(section.origin().description(), path, invalid.getMessage()),
            invalid);
      }
      throw new IllegalStateException("cannot construct " + type, e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot construct " + type, e);
    }
  }

  static String oneLine(ConfigException e) {
    return String.valueOf(e.getMessage()).replaceAll("\\s*\\R\\s*", " ");
  }

  private static Object constant(Class<?> type, String text) {
    for (Object constant : type.getEnumConstants()) {
      if (kebabConstant(constant).equals(text)) {
        return constant;
      }
    }
    throw new IllegalArgumentException(
        "expected one of "
            + Arrays.stream(type.getEnumConstants())
                .map(RecordBinder::kebabConstant)
                .collect(Collectors.joining(", "))
            + ", found '"
            + text
            + "'");
  }

  private static String kebabConstant(Object constant) {
    return ((Enum<?>) constant).name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static String kebab(String camel) {
    return camel.replaceAll("([a-z0-9])([A-Z])", "$1-$2").toLowerCase(Locale.ROOT);
  }

  private static Class<?> rawClass(Type type) {
    return switch (type) {
      case Class<?> plain -> plain;
      case ParameterizedType generic -> (Class<?>) generic.getRawType();
      case Type other ->
          throw new IllegalStateException("configuration records cannot have a " + other);
    };
  }

  private static Type argument(Type type) {
    return ((ParameterizedType) type).getActualTypeArguments()[0];
  }
}
