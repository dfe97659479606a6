package io.longshore.criu.rpc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What a container's runtime asks CRIU for, as far as it is about the container. How and where to
 * is left out: that the agents decide.
 *
 * @param type what is to be done
 * @param pid the first process, of a dump
 * @param root the root of the container's file system
 * @param mounts which come from outside of the container, by what CRIU calls them
 * @param external other things outside, in the words of {@code criu --external}
 * @param inherited descriptors of the process that runs CRIU
 * @param joined namespaces that are there already, of a restore
 * @param emptyNetwork whether the network namespace is made and what is in it left out
 * @param evasiveDevices whether devices may be found by other paths
 */
public record CriuRequest(
    Type type,
    int pid,
    Optional<String> root,
    List<Mount> mounts,
    List<String> external,
    List<InheritedDescriptor> inherited,
    List<JoinedNamespace> joined,
    boolean emptyNetwork,
    boolean evasiveDevices) {

  /** What is to be done. */
  public enum Type {
    /** To write images. */
    DUMP,
    /** To restore from them. */
    RESTORE
  }

  /**
   * A mount that comes from outside.
   *
   * @param key of a dump the path in the container, of a restore what the dump called it
   * @param value of a dump what it is to be called, of a restore the path outside
   */
  public record Mount(String key, String value) {}

  /**
   * A descriptor that takes the place of something that was outside of the container.
   *
   * @param key what was outside, such as {@code pipe:[4711]} or {@code extRootNetNS}
   * @param number of the process that was started as CRIU
   */
  public record InheritedDescriptor(String key, int number) {}

  /**
   * A namespace that is there already.
   *
   * @param kind as CRIU names it: ipc, uts
   * @param path of its file
   */
  public record JoinedNamespace(String kind, String path) {}

  /** Copies. */
  public CriuRequest {
    mounts = List.copyOf(mounts);
    external = List.copyOf(external);
    inherited = List.copyOf(inherited);
    joined = List.copyOf(joined);
  }

  /**
   * Reads a request that was written down.
   *
   * @throws UnknownRequestException if it asks for something that is not known here, or cannot be
   *     understood
   */
  public static CriuRequest read(Path file) throws IOException {
    return parse(Files.readAllBytes(file));
  }

  /** As {@link #read}. */
  public static CriuRequest parse(byte[] request) throws UnknownRequestException {
    return new CriuRequestReader().read(request);
  }
}
