package io.longshore.coordinator.agent;

/**
 * The memory of a workload by the way it would move, in bytes.
 *
 * @param pages private anonymous memory with content of its own, moved page by page
 * @param locked the same, but locked into memory or of huge pages: goes with the images
 * @param filePrivate own pages of private mappings of files: written into images in the freeze,
 *     where only what was not sent in rounds goes over the wire
 * @param shared shared memory: the same
 * @param untouched mapped and without content: nothing of it moves
 */
public record MemorySizes(long pages, long locked, long filePrivate, long shared, long untouched) {
  /** What is written into images inside of the freeze, whatever the strategy. */
  public long inImages() {
    return locked + filePrivate + shared;
  }
}
