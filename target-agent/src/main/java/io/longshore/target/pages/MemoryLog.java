package io.longshore.target.pages;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.linux.SystemCallException;
import io.longshore.linux.Userfaultfd;
import io.longshore.linux.Userfaultfd.Event;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which memories one migration has, and how their processes changed them, in a file on tmpfs: the
 * next agent finds by it where the pages belong that are still missing. The kernel itself writes a
 * change into the file, in the call that lets the process go on with it, so that no end of this
 * agent loses one.
 *
 * <p>The file is a sequence of records of 32 bytes; their first byte is their kind, and 0 behind
 * the last. Memories are numbered from 0 in the order in which they come to be held. Faults are not
 * kept: who waits is woken by the next agent and faults anew. Thread-safe.
 */
public final class MemoryLog implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(MemoryLog.class);

  private static final int RECORD_BYTES = Userfaultfd.MESSAGE_BYTES;
  private static final int RECORDS = 1 << 16;
  private static final long FILE_BYTES = (long) RECORDS * RECORD_BYTES;
  private static final int BATCH_RECORDS = 1 + Userfaultfd.MOST_EVENTS;
  private static final int VALUE_AT = 8;

  /** The messages of the kernel that follow are about the memory with this number. */
  private static final byte OF = 1;

  /** A memory is about to be held: the process id in its own namespace, or 0 for a child. */
  private static final byte HELD = 2;

  /** From here on what happened is not in the file. */
  private static final byte FULL = 3;

  /** UFFD_EVENT_FORK (linux/userfaultfd.h). */
  private static final byte FORK = 0x13;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment file;

  @GuardedBy("this")
  private int end;

  @GuardedBy("this")
  private int memories;

  @GuardedBy("this")
  private boolean full;

  /** What the file says, in order. */
  sealed interface Entry {
    /**
     * A memory came to be held.
     *
     * @param vpid whose it is, 0 for a child that was forked here
     */
    record Held(int number, int vpid) implements Entry {}

    /** What happened to the memory with a number. */
    record Happened(int number, Event event) implements Entry {}
  }

  private MemoryLog(Path path) throws IOException {
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      file = channel.map(MapMode.READ_WRITE, 0, FILE_BYTES, arena);
    }
  }

  /** Makes an empty one: its memory is taken now, since later would be too late to have none. */
  public static void create(Path path) throws IOException {
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      ByteBuffer zeros = ByteBuffer.allocateDirect((int) FILE_BYTES);
      while (zeros.hasRemaining()) {
        channel.write(zeros);
      }
    }
  }

  /**
   * Opens one that was made, perhaps by an agent that is gone.
   *
   * @throws IOException if it is none, or could not take everything that happened
   */
  public static MemoryLog open(Path path) throws IOException {
    MemoryLog taken = new MemoryLog(path);
    synchronized (taken) {
      while (taken.kind(taken.end) != 0) {
        if (taken.kind(taken.end) == FULL) {
          taken.close();
          throw new IOException("more happened to the workload's memory than was written down");
        }
        if (taken.kind(taken.end) == HELD) {
          taken.memories++;
        }
        taken.end++;
      }
    }
    return taken;
  }

  /** How many memories there are, held or about to be. */
  public synchronized int memories() {
    return memories;
  }

  /**
   * Writes down that the memory of a process comes to be held now, which the caller sees to while
   * it has this object's monitor: the order is the same then.
   *
   * @param vpid 0 for a child that was forked here
   * @return its number
   */
  synchronized int held(int vpid) {
    if (hasRoom(1)) {
      set(end, HELD, vpid);
      end++;
    }
    return memories++;
  }

  /** Reads what happened to a memory, as {@link Userfaultfd#readEvents()}. */
  synchronized List<Event> read(int memory, Userfaultfd from) throws SystemCallException {
    if (!hasRoom(BATCH_RECORDS)) {
      return from.readEvents();
    }
    // What an earlier reading left there is none of this one's; and the kernel finds it touched.
    at(end, BATCH_RECORDS).fill((byte) 0);
    set(end, OF, memory);
    List<Event> events = from.readEvents(at(end + 1, Userfaultfd.MOST_EVENTS));
    if (events.stream().anyMatch(event -> !(event instanceof Event.Fault))) {
      end += 1 + events.size();
    }
    return events;
  }

  /**
   * All that is written, from the beginning.
   *
   * @param held the memories by their numbers
   * @throws IOException if a child's memory is not among them: nobody held it when the agent died
   */
  synchronized List<Entry> entries(List<Userfaultfd> held) throws IOException {
    Iterator<Integer> children = children().iterator();
    List<Entry> entries = new ArrayList<>();
    int of = 0;
    int number = 0;
    for (int i = 0; i < end; i++) {
      switch (kind(i)) {
        case OF -> of = value(i);
        case HELD -> entries.add(new Entry.Held(number++, value(i)));
        default -> {
          if (kind(i) == FORK && !children.hasNext()) {
            throw new IOException("a process forked, and nobody had its child's memory");
          }
          Event event = Userfaultfd.event(at(i, 1), descriptor -> held.get(children.next()));
          entries.add(new Entry.Happened(of, event));
        }
      }
    }
    return entries;
  }

  /** Their numbers, in the order in which they were forked. */
  @GuardedBy("this")
  private List<Integer> children() {
    List<Integer> children = new ArrayList<>();
    int number = 0;
    for (int i = 0; i < end; i++) {
      if (kind(i) == HELD) {
        if (value(i) == 0) {
          children.add(number);
        }
        number++;
      }
    }
    return children;
  }

  @Override
  public void close() {
    arena.close();
  }

  @GuardedBy("this")
  private boolean hasRoom(int records) {
    if (!full && end + records >= RECORDS) {
      full = true;
      set(end, FULL, 0);
      log.warn(
          "More happens to the workload's memory than is written down: the next agent could not go on");
    }
    return !full;
  }

  private byte kind(int record) {
    return file.get(JAVA_BYTE, (long) record * RECORD_BYTES);
  }

  private int value(int record) {
    return file.get(JAVA_INT, (long) record * RECORD_BYTES + VALUE_AT);
  }

  /** The kind last: until then there is nothing. */
  private void set(int record, byte kind, int value) {
    file.set(JAVA_INT, (long) record * RECORD_BYTES + VALUE_AT, value);
    file.set(JAVA_BYTE, (long) record * RECORD_BYTES, kind);
  }

  private MemorySegment at(int record, int count) {
    return file.asSlice((long) record * RECORD_BYTES, (long) count * RECORD_BYTES);
  }
}
