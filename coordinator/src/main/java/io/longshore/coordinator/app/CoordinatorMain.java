package io.longshore.coordinator.app;

import io.longshore.platform.app.ServiceMain;

/** Starts the coordinator. */
public final class CoordinatorMain {
  private CoordinatorMain() {}

  /** {@code [--config FILE]}. */
  public static void main(String[] args) {
    ServiceMain.run(args, "coordinator", CoordinatorConfig.class, new CoordinatorModule());
  }
}
