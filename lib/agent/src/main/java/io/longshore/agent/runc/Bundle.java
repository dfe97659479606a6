package io.longshore.agent.runc;

import com.google.gson.JsonObject;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What {@code config.json} of a bundle says of a container, as far as it matters for moving it; the
 * OCI runtime specification, config.md.
 *
 * @param path of the bundle, absolute
 * @param root of the file system, absolute
 * @param rootReadOnly whether the container cannot write to it
 * @param terminal whether its first process has a terminal
 * @param mounts in the order in which they are made
 * @param namespaces its own, and those that it joins, by kind: pid, network, mount, ipc, uts, user,
 *     cgroup, time
 * @param cgroupsPath as it stands there; empty if the runtime chooses one
 * @param hooks how many there are, by kind; none that has none
 */
public record Bundle(
    Path path,
    Path root,
    boolean rootReadOnly,
    boolean terminal,
    List<Mount> mounts,
    Map<String, Namespace> namespaces,
    Optional<String> cgroupsPath,
    Map<String, Integer> hooks) {

  private static final String CONFIG = "config.json";

  /** Larger than any that a person or program writes. */
  private static final int MOST_BYTES = 4 << 20;

  /**
   * A mount.
   *
   * @param destination in the container
   * @param source outside; of one that is no bind mount, what the kernel is told; "" if nothing is
   *     said
   * @param type of the file system; "bind", "none" or "" of a bind mount
   * @param options as for mount(8)
   */
  public record Mount(String destination, String source, String type, List<String> options) {
    private static final Set<String> BIND = Set.of("bind", "rbind");

    /** Copies. */
    public Mount {
      options = List.copyOf(options);
    }

    /** Whether it shows files of the host. */
    public boolean isBind() {
      return type.equals("bind") || options.stream().anyMatch(BIND::contains);
    }
  }

  /**
   * A namespace.
   *
   * @param joined the file of the one that is joined; empty if it is the container's own
   */
  public record Namespace(Optional<Path> joined) {}

  /** Copies. */
  public Bundle {
    mounts = List.copyOf(mounts);
    namespaces = Map.copyOf(namespaces);
    hooks = Map.copyOf(hooks);
  }

  /**
   * Reads it.
   *
   * @throws LongshoreException RUNTIME_INCOMPATIBLE if there is none or it cannot be understood
   */
  public static Bundle read(Path bundle) {
    Path absolute = bundle.toAbsolutePath().normalize();
    Path file = absolute.resolve(CONFIG);
    try (InputStream content = Files.newInputStream(file)) {
      byte[] bytes = content.readNBytes(MOST_BYTES + 1);
      if (bytes.length > MOST_BYTES) {
        throw new IllegalArgumentException("it is longer than 4 MiB");
      }
      return parse(absolute, new String(bytes, StandardCharsets.UTF_8));
    } catch (IOException | IllegalArgumentException e) {
      throw new LongshoreException(
          Reason.RUNTIME_INCOMPATIBLE,
          "the container's configuration %s cannot be read: %s"
              .formatted(file, e instanceof IOException ? e.toString() : e.getMessage()),
          e);
    }
  }

  static Bundle parse(Path bundle, String text) {
    JsonObject config = Json.object(Json.parse(text), CONFIG);
    JsonObject root =
        Json.object(config, "root")
            .orElseThrow(() -> new IllegalArgumentException("it names no root"));
    JsonObject linux = Json.object(config, "linux").orElseGet(JsonObject::new);
    return new Bundle(
        bundle,
        bundle
            .resolve(
                Json.text(root, "path")
                    .orElseThrow(() -> new IllegalArgumentException("its root has no path")))
            .normalize(),
        Json.flag(root, "readonly"),
        Json.object(config, "process").map(process -> Json.flag(process, "terminal")).orElse(false),
        Json.objects(config, "mounts").stream().map(Bundle::mount).toList(),
        namespaces(linux),
        Json.text(linux, "cgroupsPath").filter(path -> !path.isEmpty()),
        hooks(config));
  }

  private static Mount mount(JsonObject mount) {
    return new Mount(
        Json.text(mount, "destination")
            .orElseThrow(() -> new IllegalArgumentException("a mount has no destination")),
        Json.text(mount, "source").orElse(""),
        Json.text(mount, "type").orElse(""),
        Json.texts(mount, "options"));
  }

  private static Map<String, Namespace> namespaces(JsonObject linux) {
    Map<String, Namespace> namespaces = new TreeMap<>();
    for (JsonObject each : Json.objects(linux, "namespaces")) {
      namespaces.put(
          Json.text(each, "type")
              .orElseThrow(() -> new IllegalArgumentException("a namespace has no type")),
          new Namespace(Json.text(each, "path").filter(path -> !path.isEmpty()).map(Path::of)));
    }
    return namespaces;
  }

  private static Map<String, Integer> hooks(JsonObject config) {
    Map<String, Integer> hooks = new TreeMap<>();
    JsonObject all = Json.object(config, "hooks").orElseGet(JsonObject::new);
    for (String kind : all.keySet()) {
      int count = Json.objects(all, kind).size();
      if (count > 0) {
        hooks.put(kind, count);
      }
    }
    return hooks;
  }
}
