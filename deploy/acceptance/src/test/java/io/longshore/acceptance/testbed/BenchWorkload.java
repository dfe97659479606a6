package io.longshore.acceptance.testbed;

import com.google.gson.JsonObject;
import java.io.IOException;

/** What the benchmark moves: one kind and size of it. */
interface BenchWorkload {
  /** In the results. */
  String name();

  /** About how much memory it has; what takes its copies must be warm. */
  int mebibytes();

  /**
   * Starts it on host a, and its clients. Returns when how it is before a migration was measured.
   */
  Cargo start(Testbed testbed) throws IOException, InterruptedException;

  /** One of them at work. */
  interface Cargo extends AutoCloseable {
    /** The root of its tree. */
    int pid();

    /** The address that moves with it, in CIDR notation; empty if none does. */
    default String address() {
      return "";
    }

    /** Whether its processes are of another user than root. */
    default boolean isOfAnotherUser() {
      return false;
    }

    /** The migration begins. */
    void departs() throws IOException;

    /** The migration is over. Returns when how it is afterwards was measured. */
    void arrived() throws IOException, InterruptedException;

    /**
     * Ends its clients and adds what they saw: {@code downtime_ms}, and the report of a load
     * client.
     *
     * @throws AssertionError if it is not on b as it was on a
     */
    void report(JsonObject row) throws IOException;

    /** Ends it on whatever host it is. */
    @Override
    void close();
  }
}
