package io.longshore.agent.files;

/** Which files of a tree one session of rsync is about. */
public enum Selection {
  /**
   * All: what is missing, what differs by size, time, owner, mode or attributes, and what is gone.
   * Files of the same size and time are taken to be the same.
   */
  WHOLE,
  /** Those that are named, compared by content. */
  CHOSEN
}
