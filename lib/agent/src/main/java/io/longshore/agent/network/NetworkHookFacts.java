package io.longshore.agent.network;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import io.longshore.linux.network.ContainerNetwork;
import java.util.Map;
import java.util.Optional;

/**
 * What a network hook is told of a container, as JSON.
 *
 * @param side of the program's host
 * @param migration the migration's id
 * @param container its id
 * @param runtime {@code runc}
 * @param pid its first process on this host, 0 if there is none yet
 * @param namespace the file that stands for its network namespace on this host
 * @param network what it has on the source; empty if it is not known
 * @param options the operator's own for this hook
 */
public record NetworkHookFacts(
    Side side,
    String migration,
    String container,
    String runtime,
    int pid,
    String namespace,
    Optional<ContainerNetwork> network,
    Map<String, String> options) {
  /** Which host the hook runs on. */
  public enum Side {
    /** The host that the container leaves. */
    SOURCE,
    /** The host that it comes to. */
    TARGET
  }

  /** Copies the options. */
  public NetworkHookFacts {
    options = Map.copyOf(options);
  }

  /** One object; names of fields are part of what operators rely on. */
  String json(NetworkHookStep step) {
    // Serialised by this class alone: records of the network are written by their components'
    // names.
    var gson = new GsonBuilder().disableHtmlEscaping().setPrettyPrinting().create();
    JsonObject object = new JsonObject();
    object.addProperty("version", 1);
    object.addProperty("step", step.word());
    object.addProperty("side", side.name().toLowerCase(java.util.Locale.ROOT));
    object.addProperty("migration", migration);
    object.addProperty("container", container);
    object.addProperty("runtime", runtime);
    object.addProperty("pid", pid);
    object.addProperty("namespace", namespace);
    network.ifPresent(known -> object.add("network", gson.toJsonTree(known)));
    object.add("options", gson.toJsonTree(options));
    return gson.toJson(object) + "\n";
  }
}
