package io.longshore.platform.rpc;

import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.util.ResourceLeakDetector;
import java.util.concurrent.ThreadFactory;

/**
 * Network threads of one's own, instead of those that all connections of the process share: what
 * somebody waits for must not queue behind bulk work. They last as long as the process, and begin
 * with their first connection.
 */
public final class EventLoops {
  private static final String LEAK_DETECTION = "io.grpc.netty.shaded.io.netty.leakDetection.level";

  static {
    // Else every 128th buffer takes a stack trace, and every use of it another.
    if (System.getProperty(LEAK_DETECTION) == null) {
      ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
    }
  }

  private final EventLoopGroup group;

  /**
   * @param threads how many; connections are given to them in turn
   * @param factory makes them, as daemons
   */
  public EventLoops(int threads, ThreadFactory factory) {
    this.group = new MultiThreadIoEventLoopGroup(threads, factory, EpollIoHandler.newFactory());
  }

  EventLoopGroup group() {
    return group;
  }
}
