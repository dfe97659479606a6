package io.longshore.target.pages;

import io.longshore.linux.Pidfd;
import io.longshore.linux.Userfaultfd;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A process whose memory is missing and does as it is told: see {@code tenant.c}. */
final class Tenant implements AutoCloseable {
  private final Process process;
  private final BufferedReader answers;
  private final Writer orders;
  private final long firstPage;
  private final Userfaultfd memory;

  private Tenant(Process process) throws IOException {
    this.process = process;
    this.answers = process.inputReader(StandardCharsets.UTF_8);
    this.orders = process.outputWriter(StandardCharsets.UTF_8);
    this.firstPage = Long.parseLong(answer()) / Patterns.PAGE;
    try (Pidfd pidfd = Pidfd.open((int) process.pid())) {
      this.memory = Userfaultfd.own(pidfd.duplicateDescriptor(Integer.parseInt(answer())));
    }
    order("taken");
  }

  /** Builds the program; the tests' machine has a compiler (deploy/setup). */
  static Path build(Path folder) throws IOException, InterruptedException {
    Path source = folder.resolve("tenant.c");
    try (InputStream in =
        Objects.requireNonNull(Tenant.class.getResourceAsStream("tenant.c"), "tenant.c")) {
      Files.copy(in, source);
    }
    Path program = folder.resolve("tenant");
    Process compiler =
        new ProcessBuilder("gcc", "-O1", "-Wall", "-o", program.toString(), source.toString())
            .inheritIO()
            .start();
    if (compiler.waitFor() != 0) {
      throw new IOException("gcc failed; see its output");
    }
    return program;
  }

  static Tenant start(Path program, int pages) throws IOException {
    return new Tenant(
        new ProcessBuilder(program.toString(), Integer.toString(pages))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start());
  }

  /** Address / 4096 of its first page. */
  long firstPage() {
    return firstPage;
  }

  /** Its memory; the caller closes it. */
  Userfaultfd memory() {
    return memory;
  }

  void order(String order) throws IOException {
    orders.write(order + "\n");
    orders.flush();
  }

  /** The next line; a tenant that gets no page must not keep the test for ever. */
  String answer() throws IOException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!answers.ready() && process.isAlive()) {
      if (System.nanoTime() - deadline > 0) {
        throw new IOException("the tenant does not answer");
      }
      LockSupport.parkNanos(200_000);
    }
    String line = answers.readLine();
    if (line == null) {
      throw new IOException("the tenant has ended");
    }
    return line;
  }

  /** Whether a line comes in that time. */
  boolean answersWithin(Duration patience) throws IOException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (!answers.ready()) {
      if (System.nanoTime() - deadline > 0) {
        return false;
      }
      LockSupport.parkNanos(200_000);
    }
    return true;
  }

  String ask(String order) throws IOException {
    order(order);
    return answer();
  }

  void kill() throws InterruptedException {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().waitFor();
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        throw new IllegalStateException("the tenant does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
