package io.longshore.coordinator.agent;

/**
 * The memory of a workload by the way it would move, in bytes.
 *
 * @param pages private anonymous memory with content of its own, moved page by page
 * @param locked the same, but locked into memory or of huge pages: goes with the images
 * @param filePrivate own pages of private mappings of files: go with the images
 * @param shared shared memory: goes with the images
 * @param untouched mapped and without content: nothing of it moves
 */
public record MemorySizes(long pages, long locked, long filePrivate, long shared, long untouched) {
  /** What is inside of the freeze, whatever the strategy. */
  public long inImages() {
    return locked + filePrivate + shared;
  }
}
