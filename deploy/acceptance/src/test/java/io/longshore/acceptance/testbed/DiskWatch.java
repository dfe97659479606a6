package io.longshore.acceptance.testbed;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Counts what hosts a and b write to files on disks (deploy/workloads/disk_writes.c): images,
 * because nothing else of that size is written there, logs and {@link #OWN} aside.
 */
final class DiskWatch implements AutoCloseable {
  /** Where a workload keeps its data, on the disk that the hosts share. */
  static final String OWN = "data";

  private final List<Process> watchers = new ArrayList<>();

  private DiskWatch() {}

  static DiskWatch begin(Testbed testbed) throws IOException {
    DiskWatch watch = new DiskWatch();
    for (String host : Testbed.NODES) {
      Process process =
          testbed
              .on(
                  host,
                  Checkout.workload("disk_writes"),
                  testbed.folder().resolve("logs").toString(),
                  Testbed.disk().resolve(OWN).toString())
              .start();
      watch.watchers.add(process);
      BufferedReader said = process.errorReader();
      String line = said.readLine();
      if (line == null || !line.contains("watching")) {
        watch.close();
        throw new IOException("cannot watch the disks of " + host + ": " + line);
      }
    }
    return watch;
  }

  /** Ends it; returns the bytes of both. */
  long bytes() throws IOException {
    long sum = 0;
    for (Process process : watchers) {
      process.getOutputStream().close();
      String line = process.inputReader().readLine();
      if (line == null) {
        throw new IOException("a watch of disks died: " + process.errorReader().readLine());
      }
      JsonObject report = JsonParser.parseString(line).getAsJsonObject();
      sum += report.get("bytes").getAsLong();
    }
    return sum;
  }

  @Override
  public void close() {
    for (Process process : watchers) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }
}
