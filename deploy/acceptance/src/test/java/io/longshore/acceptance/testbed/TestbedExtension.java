package io.longshore.acceptance.testbed;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Gives tests the {@link Testbeds}, and stops the testbed after the last test. */
final class TestbedExtension implements ParameterResolver, AfterEachCallback {
  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == Testbeds.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return testbeds(context);
  }

  @Override
  public void afterEach(ExtensionContext context) {
    if (context.getExecutionException().isPresent()) {
      // The next test starts a fresh testbed, so what this one leaves is kept.
      String name = context.getRequiredTestClass().getSimpleName() + " " + context.getDisplayName();
      Path kept = testbeds(context).distrust(name);
      System.err.printf(
          "%s failed; the testbed's logs are in %s%n%.4000s%n",
          name, kept, context.getExecutionException().get());
    }
  }

  /** The root context closes it. */
  private static Testbeds testbeds(ExtensionContext context) {
    return context
        .getRoot()
        .getStore(Namespace.create(TestbedExtension.class))
        .getOrComputeIfAbsent(
            Testbeds.class,
            type -> {
              try {
                return new Testbeds();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            },
            Testbeds.class);
  }
}
