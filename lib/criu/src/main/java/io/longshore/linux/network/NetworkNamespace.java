package io.longshore.linux.network;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.longshore.linux.FileDescriptorHandle;
import io.longshore.linux.NativeCall;
import io.longshore.linux.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/**
 * A network namespace, kept alive until it is closed; setns(2), unshare(2). Threads and processes
 * that a thread in it starts are in it too. It is gone when nobody holds it, the last of its
 * threads, sockets and mounts included.
 */
public final class NetworkNamespace implements AutoCloseable {
  private static final int CLONE_NEWNET = 0x4000_0000;
  private static final Path OF_THREAD = Path.of("/proc/thread-self/ns/net");
  private static final MethodHandle UNSHARE =
      NativeCall.bind("unshare", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

  private static final MethodHandle SETNS =
      NativeCall.bind("setns", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));

  private final FileDescriptorHandle descriptor;
  private final String identity;

  private NetworkNamespace(FileDescriptorHandle descriptor, String identity) {
    this.descriptor = descriptor;
    this.identity = identity;
  }

  /** What is done in a namespace. */
  @FunctionalInterface
  public interface Work<T extends @Nullable Object> {
    /** Does it. */
    T run() throws IOException;
  }

  /**
   * The one that a process is in.
   *
   * @throws IOException if there is no such process
   */
  public static NetworkNamespace ofProcess(int pid) throws IOException {
    return at(Path.of("/proc", Integer.toString(pid), "ns/net"));
  }

  /**
   * The one that a file stands for: {@code /proc/PID/ns/net} or what is mounted from there.
   *
   * @throws IOException if there is none
   */
  public static NetworkNamespace at(Path file) throws IOException {
    FileDescriptorHandle descriptor = FileDescriptorHandle.openForReading(file);
    try {
      Path opened = Path.of("/proc/self/fd", "" + descriptor.number());
      // All namespaces are on one device of the kernel's, and nothing else is.
      if (!Files.getAttribute(opened, "unix:dev")
          .equals(Files.getAttribute(OF_THREAD, "unix:dev"))) {
        throw new IOException(file + " does not stand for a namespace");
      }
      String identity = "net:[%s]".formatted(Files.getAttribute(opened, "unix:ino"));
      return new NetworkNamespace(descriptor, identity);
    } catch (IOException e) {
      descriptor.close();
      throw e;
    }
  }

  /** The one that the calling thread is in. */
  public static NetworkNamespace current() throws IOException {
    return at(OF_THREAD);
  }

  /** A new one that has nothing but a loopback interface that is down. */
  public static NetworkNamespace create() throws IOException {
    return inThread(
        () -> {
          enterNew();
          return current();
        });
  }

  /**
   * Does something on a thread of its own in this namespace: sockets that it opens are of this
   * namespace, and so is what it reads in {@code /proc/sys/net}. An interrupt does not end it; the
   * flag is kept.
   *
   * <p>It must start neither programs ({@link #run}) nor other things for which the JVM keeps
   * threads: a thread is in the namespace of the one that started it, and would hold the namespace
   * and its devices for as long as it is idle.
   *
   * @throws IOException of the work, or if the namespace cannot be entered
   */
  public <T extends @Nullable Object> T call(Work<T> work) throws IOException {
    return inThread(
        () -> {
          enter();
          return work.run();
        });
  }

  /**
   * Runs a program in this namespace to its end; nsenter(1).
   *
   * @param input what it reads
   * @return what it printed
   * @throws IOException with what it printed, if it cannot be run, fails, or takes longer than 10 s
   */
  String run(List<String> command, String input) throws IOException {
    List<String> inside = new ArrayList<>();
    inside.add("nsenter");
    inside.add(
        "--net=/proc/%d/fd/%d".formatted(ProcessHandle.current().pid(), descriptor.number()));
    inside.addAll(command);
    return Program.run(inside, input);
  }

  /** The same in every process that sees it; {@code net:[4026531840]}. */
  public String identity() {
    return identity;
  }

  /** Its number alone, as CRIU's option {@code --external net[INODE]:NAME} has it. */
  public String inode() {
    return identity.substring("net:[".length(), identity.length() - 1);
  }

  int descriptor() {
    return descriptor.number();
  }

  /** Lets go of it. */
  @Override
  public void close() {
    descriptor.close();
  }

  @Override
  public String toString() {
    return identity;
  }

  private static <T extends @Nullable Object> T inThread(Work<T> work) throws IOException {
    FutureTask<T> task = new FutureTask<>(work::run);
    Thread.ofPlatform().name("in-network-namespace").daemon().start(task);
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          // What it changes must not go on behind the caller's back.
          interrupted = true;
        } catch (ExecutionException e) {
          switch (e.getCause()) {
            case IOException cause -> throw cause;
            case RuntimeException cause -> throw cause;
            case Error cause -> throw cause;
            case null, default -> throw new AssertionError(e);
          }
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void enter() throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      int result = (int) SETNS.invokeExact(state, descriptor.number(), CLONE_NEWNET);
      if (result == -1) {
        throw new SystemCallException(
            "setns(%s, CLONE_NEWNET)".formatted(identity), NativeCall.errno(state));
      }
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /**
   * Puts the calling platform thread into a new, empty one. There is no way back: the thread must
   * end soon and do nothing else.
   *
   * @throws SystemCallException {@code EPERM} without the right to
   */
  public static void enterNew() throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      int result = (int) UNSHARE.invokeExact(state, CLONE_NEWNET);
      if (result == -1) {
        throw new SystemCallException("unshare(CLONE_NEWNET)", NativeCall.errno(state));
      }
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /** Adds an Ethernet interface that is up and leads nowhere: one end of a veth pair. */
  public static void addInterface(String name) throws IOException {
    Program.run(
        List.of("ip", "link", "add", "name", name, "type", "veth", "peer", "name", name + "-0"),
        "");
    Program.run(List.of("ip", "link", "set", "dev", "lo", "up"), "");
    Program.run(List.of("ip", "link", "set", "dev", name + "-0", "up"), "");
    Program.run(List.of("ip", "link", "set", "dev", name, "up"), "");
  }
}
