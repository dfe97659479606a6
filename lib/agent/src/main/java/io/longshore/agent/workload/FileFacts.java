package io.longshore.agent.workload;

/**
 * A file the workload needs on the target.
 *
 * @param path absolute, in the workload's mount namespace
 * @param use how it is used; the most demanding use
 * @param bytes its size
 * @param crc32c of the content, for mapped files; else 0
 * @param mode file type and permission bits (st_mode)
 * @param writtenInode its inode number if it is open for writing, else 0. What is written grows
 *     between the looks of two nodes; on a file system that they share it has one number
 */
public record FileFacts(String path, Use use, long bytes, int crc32c, int mode, long writtenInode) {
  /** How a file is used, the most demanding use last. */
  public enum Use {
    /** A directory. */
    DIRECTORY,
    /** Open: CRIU compares the size of regular files. */
    OPEN,
    /** Mapped: the content must be the same. */
    MAPPED
  }
}
