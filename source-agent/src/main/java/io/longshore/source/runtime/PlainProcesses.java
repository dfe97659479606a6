package io.longshore.source.runtime;

import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.runtime.WorkloadName;
import io.longshore.agent.workload.ContainerFacts;
import io.longshore.agent.workload.ContainerPolicy;
import io.longshore.linux.ProcessTree;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Optional;

/**
 * Processes that nothing but the kernel knows: the fence is all that holds them, and nothing is
 * left of them when they are dead.
 */
public final class PlainProcesses implements SourceRuntime {
  @Override
  public String name() {
    return WorkloadName.PROCESS;
  }

  /** None: each process of the host is one, and which of them are meant nobody knows. */
  @Override
  public List<ListedWorkload> list() {
    return List.of();
  }

  @Override
  public Leaving find(String name, ContainerPolicy policy) {
    try {
      return new PlainProcess(RootProcess.of(Integer.parseInt(name)));
    } catch (NumberFormatException e) {
      throw new LongshoreException(
          Reason.INVALID_ARGUMENT, "'" + name + "' is not the id of a process", e);
    } catch (NoSuchFileException e) {
      throw new LongshoreException(
          Reason.UNKNOWN_PROCESS, "there is no process " + name + " on the source", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at process " + name, e);
    }
  }

  @Override
  public Leaving takeUp(RootProcess root, RuntimeRecord record) {
    return new PlainProcess(root);
  }

  private record PlainProcess(RootProcess root) implements Leaving {
    @Override
    public RuntimeRecord record() {
      return RuntimeRecord.ofProcess(root.pid());
    }

    @Override
    public List<Problem> problems(ProcessTree tree) {
      return List.of();
    }

    @Override
    public Optional<ContainerFacts> facts() {
      return Optional.empty();
    }

    @Override
    public List<String> dumpOptions() {
      return List.of();
    }

    @Override
    public void fenced(ProcessTree tree) {}

    @Override
    public void thawing() {}

    @Override
    public void released() {}
  }
}
