package io.longshore.criu.rpc;

import io.longshore.linux.BundledProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/**
 * Where the stand-in for CRIU is, and what it takes down; see criu_for_runc.c.
 *
 * @param path of the whole
 */
record StandInFolder(Path path) {
  StandInFolder {
    path = path.toAbsolutePath().normalize();
  }

  /** Makes it, with the programs. */
  void create() throws IOException {
    var onlyOwner =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    Files.createDirectory(path, onlyOwner);
    Files.createDirectory(programs(), onlyOwner);
    Files.createDirectory(exchange(), onlyOwner);
    BundledProgram.install(StandInFolder.class, "criu_for_runc", programs().resolve("criu"));
    BundledProgram.install(StandInFolder.class, "launcher", launcher());
  }

  /** To be on the path of runc, before that of the real CRIU. */
  Path programs() {
    return path.resolve("bin");
  }

  Path launcher() {
    return path.resolve("launcher");
  }

  /** What the stand-in writes into. */
  Path exchange() {
    return path.resolve("exchange");
  }

  Path socket() {
    return exchange().resolve("socket");
  }

  Path request() {
    return exchange().resolve("request");
  }

  Path cgroups() {
    return exchange().resolve("cgroups");
  }

  /** Why it gave up, if it did. */
  Optional<String> error() throws IOException {
    Path file = exchange().resolve("error");
    return Files.exists(file) ? Optional.of(Files.readString(file)) : Optional.empty();
  }
}
