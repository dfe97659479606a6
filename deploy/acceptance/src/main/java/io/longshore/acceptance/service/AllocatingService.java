package io.longshore.acceptance.service;

import static java.nio.charset.StandardCharsets.US_ASCII;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A service on HTTP with a full heap that its garbage collector has work with: each request
 * replaces a block of what lives and leaves as much rubbish. {@code GET /NAME} answers how often
 * NAME has asked, and with 500 if a block is not what was written.
 */
public final class AllocatingService {
  private static final int BLOCK = 64 << 10;

  private final byte[][] blocks;
  private final Map<String, AtomicLong> counts = new ConcurrentHashMap<>();

  private AllocatingService(int blocks) {
    this.blocks = new byte[blocks][];
    for (int i = 0; i < blocks; i++) {
      this.blocks[i] = block();
    }
  }

  /**
   * Serves until it is killed.
   *
   * @param arguments the address, the port, and how many MiB live
   */
  public static void main(String[] arguments) throws IOException {
    AllocatingService service =
        new AllocatingService((int) (((long) Integer.parseInt(arguments[2]) << 20) / BLOCK));
    HttpServer server =
        HttpServer.create(new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1])), 0);
    server.setExecutor(Executors.newFixedThreadPool(4));
    server.createContext("/", service::answer);
    server.start();
  }

  private void answer(HttpExchange exchange) throws IOException {
    boolean right;
    int index = ThreadLocalRandom.current().nextInt(blocks.length);
    byte[] fresh = block();
    synchronized (blocks) {
      right = isWhole(blocks[index]);
      blocks[index] = fresh;
    }
    long count =
        counts
            .computeIfAbsent(exchange.getRequestURI().getPath(), _ -> new AtomicLong())
            .incrementAndGet();
    byte[] body = Long.toString(count).getBytes(US_ASCII);
    exchange.sendResponseHeaders(right ? 200 : 500, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  /** Any byte, but the same in all of it: anything else is not what was written. */
  private static byte[] block() {
    byte[] block = new byte[BLOCK];
    Arrays.fill(block, (byte) ThreadLocalRandom.current().nextInt());
    return block;
  }

  private static boolean isWhole(byte[] block) {
    return Arrays.mismatch(block, 0, BLOCK - 1, block, 1, BLOCK) < 0;
  }
}
