package io.longshore.platform.app;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.multibindings.ProvidesIntoSet;
import io.longshore.platform.lifecycle.Component;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.tls.Credentials;
import io.longshore.platform.tls.TlsConfig;
import io.longshore.platform.value.HostPort;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Scope;
import jakarta.inject.Singleton;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A service, for {@link ServiceMainTest} to run in a JVM of its own. */
final class ExampleService {
  private static final Logger log = LoggerFactory.getLogger(ExampleService.class);

  record Settings(boolean failAtStart, TlsConfig tls) implements ServiceConfig {}

  private ExampleService() {}

  public static void main(String[] args) {
    ServiceMain.run(args, "example-service", Settings.class, new ExampleModule());
  }

  private static final class ExampleModule extends AbstractModule {
    @Provides
    @Singleton
    GrpcServer server(Credentials credentials, OpenTelemetry telemetry) {
      return GrpcServer.builder("example", new HostPort("127.0.0.1", 0), credentials)
          .telemetry(telemetry)
          .build();
    }

    @ProvidesIntoSet
    Component first(GrpcServer server) {
      return server;
    }

    @ProvidesIntoSet
    Component second(Settings settings, OpenTelemetry telemetry) {
      return new Component() {
        @Override
        public void start() throws Exception {
          if (settings.failAtStart()) {
            throw new Exception("told to fail");
          }
          Span span = telemetry.getTracer("example").spanBuilder("example-span").startSpan();
          try (Scope scope = span.makeCurrent()) {
            log.info("second starts\nin two lines {}", scope != null);
          }
          span.end();
        }

        @Override
        public void stop() {
          log.info("second stops");
        }
      };
    }
  }
}
