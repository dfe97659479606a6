package io.longshore.agent.runc;

import io.longshore.criu.rpc.CriuRequest;
import io.longshore.criu.rpc.RuncStandIn;
import io.longshore.criu.rpc.UnknownRequestException;
import io.longshore.criu.run.Criu;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@code runc checkpoint} would have CRIU do with a container. Asking for it does nothing to
 * the container, which runs on.
 *
 * @param request the dump that runc asks for
 * @param descriptors what the first three descriptors of the container are, as runc writes it for
 *     its restore ({@code descriptors.json})
 */
public record RuncCheckpoint(CriuRequest request, String descriptors) {
  /** The file that runc puts among the images, and wants there for a restore. */
  static final String DESCRIPTORS = "descriptors.json";

  private static final Duration LIMIT = Duration.ofMinutes(1);

  /** The descriptors, one by one. */
  public List<String> descriptorNames() {
    try {
      List<String> names = new ArrayList<>();
      Json.array(Json.parse(descriptors), DESCRIPTORS)
          .forEach(name -> names.add(name.getAsString()));
      return List.copyOf(names);
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw new LongshoreException(
          Reason.RUNTIME_INCOMPATIBLE,
          "%s of runc cannot be understood: %s".formatted(DESCRIPTORS, descriptors),
          e);
    }
  }

  /**
   * Asks.
   *
   * @param folder that is made for it, where programs can be run; nothing stays in it that is
   *     needed
   * @throws LongshoreException RUNTIME_INCOMPATIBLE if runc asks for something that is not known
   *     here; RUNTIME_FAILED if it refuses
   */
  public static RuncCheckpoint ask(Runc runc, Criu criu, Path folder, String id)
      throws IOException, InterruptedException {
    RuncStandIn standIn = RuncStandIn.prepare(folder);
    Path images =
        Files.createDirectory(
            folder.toAbsolutePath().normalize().resolve("runc-images"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    List<String> arguments =
        List.of(
            "checkpoint",
            "--image-path",
            images.toString(),
            "--work-path",
            images.toString(),
            // Else runc would take it that the container has ended, and remove it.
            "--leave-running",
            "--tcp-established",
            "--file-locks",
            "--ext-unix-sk",
            Runc.checked(id));
    RuncProcess process = RuncProcess.start(runc, arguments, standIn.environment(criu), folder);
    try (standIn) {
      CriuRequest request = standIn.awaitRequest(process::isAlive, LIMIT);
      standIn.done();
      if (!process.awaitEnd(LIMIT) || process.exitStatus() != 0) {
        throw process.failed("checkpoint " + id);
      }
      return new RuncCheckpoint(request, Files.readString(images.resolve(DESCRIPTORS)));
    } catch (UnknownRequestException e) {
      throw new LongshoreException(
          Reason.RUNTIME_INCOMPATIBLE,
          "the options that runc has for the container %s are not all known: %s"
              .formatted(id, e.getMessage()),
          e);
    } catch (IOException e) {
      throw process.failed("checkpoint " + id, e);
    } finally {
      process.kill();
    }
  }
}
