package io.longshore.coordinator.agent;

/** What is to be moved, by the way it is named. */
public sealed interface Workload {
  /** The kind, as it is stored. */
  String kind();

  /** What a node must handle to move it, one of the runtimes that nodes report. */
  String runtime();

  /**
   * The name within its kind and node: two migrations of one node with the same kind and name move
   * the same thing.
   */
  String name();

  /**
   * A process and all its descendants.
   *
   * @param pid process id of the root, as the source-agent sees it
   */
  record ProcessTree(int pid) implements Workload {
    /** {@link #kind()} of a process tree. */
    public static final String KIND = "process";

    public ProcessTree {
      if (pid <= 1) {
        throw new IllegalArgumentException(
            "pid is " + pid + ": it must be greater than 1, init cannot be moved");
      }
    }

    @Override
    public String kind() {
      return KIND;
    }

    @Override
    public String runtime() {
      return KIND;
    }

    @Override
    public String name() {
      return Integer.toString(pid);
    }
  }

  /**
   * The canary of a node's self-test: a process tree that moves from the node to itself.
   *
   * @param pid process id of the root, as the node's agents see it
   */
  record SelfTest(int pid) implements Workload {
    /** {@link #kind()} of a self-test. */
    public static final String KIND = "self_test";

    @Override
    public String kind() {
      return KIND;
    }

    @Override
    public String runtime() {
      return ProcessTree.KIND;
    }

    @Override
    public String name() {
      return Integer.toString(pid);
    }
  }

  /**
   * A container.
   *
   * @param runtime what runs it, one of those that nodes report
   * @param id in the runtime
   */
  record Container(String runtime, String id) implements Workload {
    /** {@link #kind()} of a container. */
    public static final String KIND = "container";

    @Override
    public String kind() {
      return KIND;
    }

    @Override
    public String name() {
      return runtime + "/" + id;
    }

    static Container named(String name) {
      int slash = name.indexOf('/');
      if (slash < 0) {
        throw new IllegalArgumentException("not the name of a container: " + name);
      }
      return new Container(name.substring(0, slash), name.substring(slash + 1));
    }
  }

  /**
   * The workload of a kind and name.
   *
   * @throws IllegalArgumentException if there is no such kind, or the name is not one of its names
   */
  static Workload of(String kind, String name) {
    if (kind.equals(ProcessTree.KIND)) {
      return new ProcessTree(Integer.parseInt(name));
    }
    if (kind.equals(SelfTest.KIND)) {
      return new SelfTest(Integer.parseInt(name));
    }
    if (kind.equals(Container.KIND)) {
      return Container.named(name);
    }
    throw new IllegalArgumentException("unknown kind of workload: " + kind);
  }
}
