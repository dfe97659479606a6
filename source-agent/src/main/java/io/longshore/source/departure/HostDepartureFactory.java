package io.longshore.source.departure;

import io.longshore.agent.host.Host;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFolder;
import io.longshore.linux.CgroupFence;
import io.longshore.linux.network.ServiceAddress;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.source.departure.Departure.Parts;
import io.longshore.source.pages.TransferBrokenException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** Makes departures from this host. */
public final class HostDepartureFactory implements DepartureFactory {
  private final Host host;
  private final Path workFolder;

  /**
   * @param workFolder on tmpfs
   */
  public HostDepartureFactory(Host host, Path workFolder) {
    this.host = host;
    this.workFolder = workFolder;
  }

  @Override
  public Departure create(MigrationRef ref, int pid, List<String> serviceAddresses, DataPlane plane)
      throws InterruptedException {
    Criu criu =
        host.criu()
            .orElseThrow(
                () ->
                    new LongshoreException(
                        Reason.CRIU_MISSING, "the source has no CRIU that works on its kernel"));
    boolean prepared = false;
    try {
      plane.awaitOpen();
      CriuFolder folder = CriuFolder.create(workFolder.resolve(ref.id()));
      Departure departure =
          new Departure(
              ref,
              new Parts(
                  pid,
                  criu,
                  folder,
                  CgroupFence.create(ref.id(), List.of(pid)),
                  plane,
                  new HostSourceAddresses(
                      ref.id(), serviceAddresses.stream().map(ServiceAddress::parse).toList())));
      prepared = true;
      return departure;
    } catch (TransferBrokenException e) {
      throw new LongshoreException(Reason.TRANSFER_BROKEN, String.valueOf(e.getMessage()), e);
    } catch (NoSuchFileException e) {
      throw new LongshoreException(
          Reason.UNKNOWN_PROCESS, "there is no process " + pid + " on the source", e);
    } catch (IOException e) {
      throw new LongshoreException(
          Reason.INTERNAL, "cannot prepare process " + pid + ": " + e.getMessage(), e);
    } finally {
      if (!prepared) {
        plane.cancel();
        CriuFolder left = new CriuFolder(workFolder.resolve(ref.id()));
        deleteQuietly(left);
      }
    }
  }

  private static void deleteQuietly(CriuFolder folder) {
    try {
      folder.delete();
    } catch (IOException e) {
      throw new LongshoreException(Reason.INTERNAL, "cannot remove " + folder.path(), e);
    }
  }
}
