package io.longshore.criu.pageserver;

import java.util.Optional;

/** What a message asks for: the low half of its first word (criu/page-xfer.c). */
public enum Command {
  /** Pages with content, from CRIU 3.2 and older. */
  ADD(1),
  /** Pages that are in the parent image, from CRIU 3.2 and older. */
  HOLE(2),
  /** Begins an image; nothing is answered. From old versions. */
  OPEN(3),
  /** Begins an image; the answer is one byte: whether its parent is there. */
  OPEN2(4),
  /** Asks whether the parent of an image is there; the answer is an int32. */
  PARENT(5),
  /**
   * Pages with flags, followed by their content if they are present. Also the answer to {@link
   * #GET}.
   */
  ADD_F(6),
  /** Asks for pages. */
  GET(7),
  /** Ends the session; the answer is an int32, 0 if all went well. */
  CLOSE(0x1023),
  /** As {@link #CLOSE}, where CRIU was given the socket. */
  FORCE_CLOSE(0x1024);

  private final int code;

  Command(int code) {
    this.code = code;
  }

  /** The number on the wire. */
  public int code() {
    return code;
  }

  /** The command with this number, if there is one. */
  public static Optional<Command> of(int code) {
    for (Command command : values()) {
      if (command.code == code) {
        return Optional.of(command);
      }
    }
    return Optional.empty();
  }
}
