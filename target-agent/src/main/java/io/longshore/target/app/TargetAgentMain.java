package io.longshore.target.app;

import io.longshore.platform.app.ServiceMain;

/** Starts a target-agent: {@code --config FILE}. */
public final class TargetAgentMain {
  private TargetAgentMain() {}

  /** Runs until it is told to end. */
  public static void main(String[] args) {
    ServiceMain.run(args, "target-agent", TargetAgentConfig.class, new TargetAgentModule());
  }
}
