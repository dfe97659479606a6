package io.longshore.agent.runc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.longshore.criu.rpc.CriuOptionsOfRunc;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuLog;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * A container of busybox that counts in a file, once every few milliseconds, and has a child, a
 * mount of the host, and namespaces of its own.
 */
final class TestContainer {
  static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Path BUSYBOX = Path.of("/bin/busybox");
  private static final String COUNTS =
      "sleep 100000 & i=0; while :; do i=$((i+1)); echo $i >/data/new; mv /data/new /data/count; sleep 0.02; done";

  private final Runc runc;
  private final String id;
  private final Path bundle;
  private final Path data;

  private TestContainer(Runc runc, String id, Path bundle, Path data) {
    this.runc = runc;
    this.id = id;
    this.bundle = bundle;
    this.data = data;
  }

  /**
   * Makes its bundle.
   *
   * @param folder for all of it
   * @param change of config.json
   */
  static TestContainer make(Path folder, Consumer<JsonObject> change) throws Exception {
    Path program =
        Runc.find().orElseThrow(() -> new AssertionError("no runc: run deploy/setup")).program();
    Runc runc = new Runc(program, Files.createDirectories(folder.resolve("runc")));
    Path bundle = Files.createDirectories(folder.resolve("bundle"));
    Path data = Files.createDirectories(folder.resolve("data"));
    Path bin = Files.createDirectories(bundle.resolve("rootfs/bin"));
    Files.copy(BUSYBOX, bin.resolve("busybox"), StandardCopyOption.COPY_ATTRIBUTES);
    for (String applet : List.of("sh", "sleep", "mv", "cat", "ls")) {
      Files.createSymbolicLink(bin.resolve(applet), Path.of("busybox"));
    }
    run(List.of(program.toString(), "spec", "--bundle", bundle.toString()));
    String id = "longshore-test-" + ProcessHandle.current().pid();
    Path file = bundle.resolve("config.json");
    JsonObject config = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    JsonObject process = config.getAsJsonObject("process");
    process.addProperty("terminal", false);
    JsonArray arguments = new JsonArray();
    List.of("/bin/sh", "-c", COUNTS).forEach(arguments::add);
    process.add("args", arguments);
    config.getAsJsonObject("root").addProperty("readonly", false);
    config
        .getAsJsonArray("mounts")
        .add(
            JsonParser.parseString(
                "{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"%s\",\"options\":[\"rbind\",\"rw\"]}"
                    .formatted(data)));
    config.getAsJsonObject("linux").addProperty("cgroupsPath", "/longshore-test/" + id);
    change.accept(config);
    Files.writeString(file, config.toString());
    return new TestContainer(runc, id, bundle, data);
  }

  /** Runs it; its standard streams are /dev/null. */
  void run() throws Exception {
    run(Redirect.to(new File("/dev/null")));
  }

  /** The same, with another standard output. */
  void run(Redirect output) throws Exception {
    File nothing = new File("/dev/null");
    List<String> command =
        runc.command(List.of("run", "--detach", "--bundle", bundle.toString(), id));
    // Not its errors into a file: the container keeps what runc has.
    assertThat(
            new ProcessBuilder(command)
                .redirectInput(nothing)
                .redirectOutput(output)
                .redirectError(nothing)
                .start()
                .waitFor())
        .isZero();
    assertThat(counts()).isTrue();
  }

  Runc runc() {
    return runc;
  }

  String id() {
    return id;
  }

  Path bundle() {
    return bundle;
  }

  RuncRestore.Order order(RuncCheckpoint checkpoint) {
    return new RuncRestore.Order(id, bundle, checkpoint.descriptors());
  }

  int pid() throws Exception {
    return runc.state(id).orElseThrow().pid();
  }

  /** Whether it goes on counting. */
  boolean counts() throws Exception {
    String before = count();
    long end = System.nanoTime() + Duration.ofSeconds(1).toNanos();
    while (System.nanoTime() < end) {
      if (!count().equals(before)) {
        return true;
      }
      Thread.sleep(5);
    }
    return false;
  }

  String count() throws IOException {
    Path file = data.resolve("count");
    return Files.exists(file) ? Files.readString(file).strip() : "";
  }

  /** Files of its root, to see that none is lost. */
  List<String> rootFiles() throws IOException {
    try (var files = Files.walk(bundle.resolve("rootfs"))) {
      return files.map(Path::toString).sorted().toList();
    }
  }

  /** Dumps it with our CRIU and all pages, kills it and removes it. */
  void leave(Criu criu, RuncCheckpoint checkpoint, Path images, Path work) throws Exception {
    List<String> command = new ArrayList<>(List.of("setsid", "--", criu.executable().toString()));
    command.addAll(List.of("dump", "--no-default-config", "--tree", "" + pid()));
    command.addAll(List.of("--images-dir", images.toString(), "--work-dir", work.toString()));
    command.addAll(List.of("--log-file", "dump.log", "-v3", "--leave-stopped"));
    command.addAll(List.of("--tcp-established", "--network-lock", "skip"));
    command.addAll(List.of("--manage-cgroups=ignore", "--file-locks", "--ext-unix-sk"));
    command.addAll(CriuOptionsOfRunc.dump(checkpoint.request(), OptionalLong.empty()));
    try {
      run(command);
    } catch (AssertionError e) {
      e.addSuppressed(new AssertionError(CriuLog.tellingLines(work.resolve("dump.log"))));
      throw e;
    }
    runc.kill(id, "KILL");
    await().atMost(PATIENCE).until(() -> runc.state(id).orElseThrow().pid() == 0);
    runc.delete(id);
    assertThat(cgroups()).isEmpty();
  }

  /** Folders of its control groups that are there. */
  List<Path> cgroups() throws IOException {
    try (var hierarchies = Files.list(Path.of("/sys/fs/cgroup"))) {
      return hierarchies
          .map(hierarchy -> hierarchy.resolve("longshore-test").resolve(id))
          .filter(Files::exists)
          .toList();
    }
  }

  /** Whatever is left of it, after a test. */
  void remove() throws Exception {
    runc.deleteForcibly(id);
    for (Path cgroup : cgroups()) {
      for (String member : Files.readAllLines(cgroup.resolve("cgroup.procs"))) {
        ProcessHandle.of(Long.parseLong(member)).ifPresent(ProcessHandle::destroyForcibly);
      }
      await().atMost(PATIENCE).until(() -> cgroup.toFile().delete() || !Files.exists(cgroup));
    }
    try (var hierarchies = Files.list(Path.of("/sys/fs/cgroup"))) {
      // Not if another test has a container in it.
      hierarchies.forEach(hierarchy -> hierarchy.resolve("longshore-test").toFile().delete());
    }
  }

  static Criu criu() throws Exception {
    String path =
        Objects.requireNonNull(
            System.getenv("LONGSHORE_CRIU"), "LONGSHORE_CRIU is not set: . deploy/env");
    return Criu.probe(Path.of(path), Duration.ofSeconds(20));
  }

  private static void run(List<String> command) throws Exception {
    Path errors = Files.createTempFile("longshore-test", ".err");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectInput(new File("/dev/null"))
              .redirectOutput(new File("/dev/null"))
              .redirectError(errors.toFile())
              .start();
      int status = process.waitFor();
      assertThat(status).as("%s: %s", command, Files.readString(errors)).isZero();
    } finally {
      Files.delete(errors);
    }
  }
}
