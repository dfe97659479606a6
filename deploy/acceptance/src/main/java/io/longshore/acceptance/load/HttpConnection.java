package io.longshore.acceptance.load;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * One connection to an AllocatingService that is kept alive, and its thread. The service counts its
 * requests: every answer must be one more than the one before. It never connects again.
 */
final class HttpConnection implements LoadThread {
  private final byte[] request;
  private final Socket socket;
  private final long pauseNanos;
  private final Phases phases;
  private final BooleanSupplier stopped;
  private final Answers answers;

  /**
   * @param index of the connection, to be told from others
   */
  HttpConnection(
      int index, Socket socket, long pauseNanos, Phases phases, BooleanSupplier stopped) {
    this.socket = socket;
    this.pauseNanos = pauseNanos;
    this.phases = phases;
    this.stopped = stopped;
    request =
        "GET /connection-%d HTTP/1.1\r\nHost: service\r\n\r\n".formatted(index).getBytes(US_ASCII);
    answers = new Answers(phases.origin());
  }

  @Override
  public void run() {
    long last = System.nanoTime();
    try (socket) {
      InputStream in = new BufferedInputStream(socket.getInputStream());
      for (long expected = 1; !stopped.getAsBoolean(); expected++) {
        LockSupport.parkNanos(pauseNanos);
        long asked = System.nanoTime();
        socket.getOutputStream().write(request);
        if (isRight(in, expected)) {
          long now = System.nanoTime();
          answers.answered(phases.now(), last, asked, now);
          last = now;
        } else {
          answers.wrong();
        }
      }
    } catch (IOException e) {
      answers.lost(e, phases.now(), last, System.nanoTime());
    }
  }

  private static boolean isRight(InputStream in, long expected) throws IOException {
    boolean right = line(in).startsWith("HTTP/1.1 200");
    int length = 0;
    for (String header = line(in); !header.isEmpty(); header = line(in)) {
      String name = "content-length:";
      if (header.toLowerCase(Locale.ROOT).startsWith(name)) {
        length = Integer.parseInt(header.substring(name.length()).strip());
      }
    }
    String body = new String(in.readNBytes(length), US_ASCII);
    return right && body.equals(Long.toString(expected));
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        throw new EOFException("the service closed the connection");
      }
      line.append((char) next);
    }
    return line.toString().strip();
  }

  @Override
  public Answers answers() {
    return answers;
  }
}
