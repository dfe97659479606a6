package io.longshore.source.profile;

/**
 * The memory of a process tree by the way it would move, in bytes.
 *
 * @param pages private anonymous memory with content of its own, which the agents move page by page
 * @param locked the same, but locked into memory or of huge pages: CRIU restores it out of its
 *     images
 * @param filePrivate own pages of private mappings of files: in the images
 * @param shared shared memory: in the images, once for all that share it
 * @param untouched mapped private anonymous memory without content: nothing of it moves
 */
public record MemorySizes(long pages, long locked, long filePrivate, long shared, long untouched) {
  static final MemorySizes NONE = new MemorySizes(0, 0, 0, 0, 0);

  MemorySizes plus(MemorySizes other) {
    return new MemorySizes(
        pages + other.pages,
        locked + other.locked,
        filePrivate + other.filePrivate,
        shared + other.shared,
        untouched + other.untouched);
  }
}
