package io.longshore.coordinator.app;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import io.longshore.platform.app.ServiceMain;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.tls.Credentials;
import io.opentelemetry.api.OpenTelemetry;

/** Wires the coordinator. */
final class CoordinatorModule extends AbstractModule {
  @Override
  protected void configure() {
    ServiceMain.components(binder()).addBinding().to(Coordinator.class);
  }

  @Provides
  @Singleton
  Coordinator coordinator(
      CoordinatorConfig config,
      OpenTelemetry telemetry,
      Credentials credentials,
      GrpcChannels channels) {
    return new Coordinator(config, new SteadyClock(), telemetry, credentials, channels);
  }
}
