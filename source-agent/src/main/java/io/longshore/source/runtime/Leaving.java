package io.longshore.source.runtime;

import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.workload.ContainerFacts;
import io.longshore.linux.ProcessTree;
import io.longshore.platform.error.Problem;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * A workload that is looked at, or on its way out: what only its runtime knows and does. The rest
 * is one code for all. The fence holds its processes; a runtime may hold them besides.
 *
 * <p>{@link #fenced}, {@link #thawing} and {@link #released} are called by one thread at a time, in
 * that order; the last two may be called without the one before, and again if they failed.
 */
public interface Leaving {
  /** The root of its tree. */
  RootProcess root();

  /** For the journal. */
  RuntimeRecord record();

  /** What stands in the way and only the runtime knows; changes nothing. */
  List<Problem> problems(ProcessTree tree) throws IOException;

  /** What its target must know of it before the freeze; empty of a process. */
  Optional<ContainerFacts> facts() throws IOException;

  /** Further options of {@code criu dump}, one argument each. */
  List<String> dumpOptions();

  /**
   * CRIU has described it and the fence is frozen: from here on nobody else may let it run, or add
   * to it. The target is told that it has all only if this returns.
   *
   * @param tree as it is frozen
   * @throws io.longshore.platform.error.LongshoreException PROCESS_OUTSIDE_TREE if something
   *     belongs to it that would stay behind
   */
  void fenced(ProcessTree tree) throws IOException;

  /** The fence is about to be thawed, or what is in it killed: takes back {@link #fenced}. */
  void thawing() throws IOException;

  /**
   * It runs elsewhere, its processes here are dead and its fence is gone: removes what the runtime
   * has of it here.
   */
  void released() throws IOException;
}
