package io.longshore.acceptance.load;

/** One connection that asks and checks until it is told to stop or is lost. */
interface LoadThread extends Runnable {
  /** May be read once it has ended. */
  Answers answers();
}
