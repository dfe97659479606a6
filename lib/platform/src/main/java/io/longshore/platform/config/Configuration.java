package io.longshore.platform.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Loads a service's configuration: HOCON, all of it in one section named like the service, over the
 * defaults in the {@code reference.conf} on the class path. Keys are in kebab-case; {@code
 * ${?NAME}} takes environment variables.
 *
 * <pre>
 * coordinator {
 *   listen = "0.0.0.0:7700"
 *   heartbeat-timeout = 5s
 * }
 * </pre>
 */
public final class Configuration {
  private Configuration() {}

  /**
   * Loads a service's section as a record: see {@link RecordBinder} for what its components may be.
   *
   * @param file what the operator wrote; empty: only the defaults
   * @throws ConfigurationException for a file that cannot be read, a key that the record does not
   *     have, a missing key and an invalid value
   */
  public static <C extends Record> C load(String service, Optional<Path> file, Class<C> type) {
    try {
      Config written = file.map(Configuration::parse).orElseGet(ConfigFactory::empty);
      for (String section : written.root().keySet()) {
        if (!section.equals(service)) {
          throw new ConfigurationException(
              "%s: unknown key '%s'; everything belongs into the section '%s'"
                  .formatted(
                      written.getValue("\"" + section + "\"").origin().description(),
                      section,
                      service));
        }
      }
      Config all = written.withFallback(ConfigFactory.parseResources("reference.conf")).resolve();
      Config section = all.hasPath(service) ? all.getConfig(service) : ConfigFactory.empty();
      return new RecordBinder(service).bind(section, type);
    } catch (ConfigException e) {
      throw new ConfigurationException(RecordBinder.oneLine(e), e);
    }
  }

  private static Config parse(Path file) {
    if (!Files.isReadable(file)) {
      throw new ConfigurationException("cannot read the configuration file " + file);
    }
    return ConfigFactory.parseFile(
        file.toFile(), ConfigParseOptions.defaults().setAllowMissing(false));
  }
}
