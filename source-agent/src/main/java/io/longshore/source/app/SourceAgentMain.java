package io.longshore.source.app;

import io.longshore.platform.app.ServiceMain;

/** Starts a source-agent: {@code --config FILE}. */
public final class SourceAgentMain {
  private SourceAgentMain() {}

  /** Runs until it is told to end. */
  public static void main(String[] args) {
    ServiceMain.run(args, "source-agent", SourceAgentConfig.class, new SourceAgentModule());
  }
}
