package io.longshore.platform.app;

import com.google.inject.Binder;
import com.google.inject.CreationException;
import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Key;
import com.google.inject.Module;
import com.google.inject.ProvisionException;
import com.google.inject.Stage;
import com.google.inject.TypeLiteral;
import com.google.inject.multibindings.Multibinder;
import io.longshore.platform.config.Configuration;
import io.longshore.platform.config.ConfigurationException;
import io.longshore.platform.lifecycle.Component;
import io.longshore.platform.lifecycle.Lifecycle;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.telemetry.Telemetry;
import io.longshore.platform.tls.CertificateReload;
import io.longshore.platform.tls.Certificates;
import io.longshore.platform.tls.Credentials;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;

/**
 * The main method of every service: configuration, telemetry, injection, start, and stop at SIGTERM
 * or SIGINT.
 *
 * <p>Modules can have injected: the configuration record, {@link OpenTelemetry}, {@link
 * Credentials} and {@link GrpcChannels}. What is to be started they bind with {@link #components},
 * in the order of starting.
 */
public final class ServiceMain {
  private static final Logger log = LoggerFactory.getLogger(ServiceMain.class);

  private ServiceMain() {}

  /**
   * Runs a service until the process is told to end. Exits with 2 and one line on standard error if
   * the arguments or the configuration cannot be used, with 1 if the service cannot start.
   *
   * @param args {@code [--config FILE]}
   * @param name of the service, of its section in the configuration and of the role that its
   *     certificate must have
   * @param configType what the section is read into
   */
  public static <C extends Record & ServiceConfig> void run(
      String[] args, String name, Class<C> configType, Module... modules) {
    System.setProperty("longshore.service", name);
    SLF4JBridgeHandler.removeHandlersForRootLogger();
    SLF4JBridgeHandler.install();
    C config;
    try {
      config = Configuration.load(name, configFile(args), configType);
    } catch (ConfigurationException e) {
      System.err.println(name + ": " + e.getMessage());
      exit(2);
      return;
    }
    try {
      runUntilStopped(name, config, configType, modules);
    } catch (ConfigurationException e) {
      System.err.println(name + ": " + e.getMessage());
      exit(2);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ProvisionException | CreationException e) {
      Throwable cause = e.getCause();
      if (cause instanceof ConfigurationException) {
        System.err.println(name + ": " + cause.getMessage());
        exit(2);
      }
      log.error("Cannot start", e);
      exit(1);
    } catch (Exception e) {
      log.error("Cannot start: {}", e.getMessage(), e);
      exit(1);
    }
  }

  /** Where a module adds what is to be started and stopped with the service, in this order. */
  public static Multibinder<Component> components(Binder binder) {
    return Multibinder.newSetBinder(binder, Component.class);
  }

  /** The version that was built, from the manifest; "development" outside of a jar. */
  public static String version() {
    String version = ServiceMain.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }

  private static <C extends Record & ServiceConfig> void runUntilStopped(
      String name, C config, Class<C> configType, Module... modules) throws Exception {
    Credentials credentials = config.tls().credentials(name, config.ofNode());
    Telemetry telemetry = Telemetry.start(name);
    List<Module> all = new ArrayList<>();
    all.add(platform(telemetry.openTelemetry(), credentials, config, configType));
    all.addAll(Arrays.asList(modules));
    Injector injector = Guice.createInjector(Stage.PRODUCTION, all);
    List<Component> components = new ArrayList<>();
    if (credentials instanceof Certificates certificates) {
      components.add(new CertificateReload(certificates, config.tls().reloadInterval()));
    }
    components.addAll(injector.getInstance(Key.get(new TypeLiteral<Set<Component>>() {})));
    Lifecycle lifecycle = new Lifecycle(components);
    CountDownLatch stopped = new CountDownLatch(1);
    Thread hook =
        new Thread(
            () -> {
              log.info("{} stops", name);
              lifecycle.close();
              telemetry.close();
              log.info("{} has stopped", name);
              stopped.countDown();
            },
            name + "-stop");
    Runtime.getRuntime().addShutdownHook(hook);
    lifecycle.start();
    log.info("{} has started", name);
    stopped.await();
  }

  private static <C extends Record> Module platform(
      OpenTelemetry telemetry, Credentials credentials, C config, Class<C> configType) {
    return binder -> {
      binder.requireExplicitBindings();
      binder.requireExactBindingAnnotations();
      binder.bind(OpenTelemetry.class).toInstance(telemetry);
      binder.bind(Credentials.class).toInstance(credentials);
      binder.bind(GrpcChannels.class).toInstance(new GrpcChannels(telemetry, credentials));
      binder.bind(configType).toInstance(config);
      components(binder);
    };
  }

  private static Optional<Path> configFile(String[] args) {
    if (args.length == 0) {
      return Optional.empty();
    }
    if (args.length == 2 && args[0].equals("--config")) {
      return Optional.of(Path.of(args[1]));
    }
    throw new ConfigurationException("usage: [--config FILE]; found: " + String.join(" ", args));
  }

  private static void exit(int status) {
    System.exit(status);
  }
}
