package io.longshore.target.runtime;

import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.criu.run.RestorePlace;
import java.io.IOException;

/**
 * A workload on its way in: what only its runtime knows and does. The rest is one code for all.
 *
 * <p>In order: {@link #prepare}, {@link #place}, {@link #namespacesMade} if the place says so,
 * {@link #held}, {@link #running}. Instead of any of these, and after a failure of one, {@link
 * #remove}: it may come while another is waited for, by another thread, and that one, and each that
 * comes after it, fails then. One that was taken up knows {@link #running} and {@link #remove}
 * only. A runtime that fails is told as a {@link io.longshore.platform.error.LongshoreException}
 * RUNTIME_FAILED, with its words.
 */
public interface Coming {
  /** For the notes of the migration: written down before {@link #prepare}. */
  RuntimeRecord record();

  /**
   * Makes all that can be made before the freeze.
   *
   * @throws io.longshore.platform.error.LongshoreException RUNTIME_FAILED, RUNTIME_INCOMPATIBLE
   */
  void prepare() throws IOException, InterruptedException;

  /** Where {@code criu restore} is started, and its further options. The images are there. */
  RestorePlace place() throws IOException, InterruptedException;

  /**
   * The root is there with its namespaces and nothing else; CRIU waits.
   *
   * @param root its process id
   */
  void namespacesMade(int root) throws IOException, InterruptedException;

  /**
   * All is restored and nothing runs; CRIU waits. When it returns the runtime knows the workload as
   * its own, so that nothing is left that could fail behind the step.
   *
   * @param root its process id
   */
  void held(int root) throws IOException, InterruptedException;

  /**
   * It runs here: leaves nothing but the workload. Can be repeated. Throws nothing: the workload
   * runs, whatever fails.
   */
  void running();

  /**
   * It will not run here, or not any more, and its processes are dead: nothing of it is left. Can
   * be repeated.
   */
  void remove() throws IOException, InterruptedException;
}
