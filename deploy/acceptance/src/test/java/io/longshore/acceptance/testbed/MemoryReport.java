package io.longshore.acceptance.testbed;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.time.Duration;

/** What deploy/workloads/memory.c says of itself. */
record MemoryReport(
    String hash,
    long pages,
    long wrongPages,
    long wrongFiles,
    long sharedDiffers,
    long childrenLost,
    long pipeTokens,
    long socketTokens,
    long wrongTokens,
    Duration longestGap,
    String wrongWhere) {

  static MemoryReport parse(String json) {
    JsonObject object = JsonParser.parseString(json).getAsJsonObject();
    return new MemoryReport(
        object.get("hash").getAsString(),
        object.get("pages").getAsLong(),
        object.get("wrong_pages").getAsLong(),
        object.get("wrong_files").getAsLong(),
        object.get("shared_differs").getAsLong(),
        object.get("children_lost").getAsLong(),
        object.get("pipe_tokens").getAsLong(),
        object.get("socket_tokens").getAsLong(),
        object.get("wrong_tokens").getAsLong(),
        Duration.ofNanos((long) (object.get("longest_gap_ms").getAsDouble() * 1e6)),
        object.get("wrong_where").getAsString());
  }
}
