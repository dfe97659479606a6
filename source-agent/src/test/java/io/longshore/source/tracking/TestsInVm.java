package io.longshore.source.tracking;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** Runs test classes where there is no Maven: {@code deploy/test-soft-dirty}. */
final class TestsInVm {
  private static final int MOST_LINES = 40;

  private TestsInVm() {}

  /** Runs the classes that the arguments name; ends with 0 if tests ran and none failed. */
  public static void main(String[] names) {
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(Stream.of(names).map(name -> selectClass(name)).toList())
            .build();
    SummaryGeneratingListener summary = new SummaryGeneratingListener();
    LauncherFactory.create().execute(request, summary, new Progress());
    TestExecutionSummary found = summary.getSummary();
    PrintWriter output = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    found.printFailuresTo(output, MOST_LINES);
    output.printf(
        "%d tests passed, %d failed%n",
        found.getTestsSucceededCount(), found.getTotalFailureCount());
    boolean good =
        found.getTestsSucceededCount() > 0
            && found.getTestsSucceededCount() == found.getTestsFoundCount()
            && found.getTotalFailureCount() == 0;
    System.exit(good ? 0 : 1);
  }

  private static final class Progress implements TestExecutionListener {
    @Override
    public void executionStarted(TestIdentifier test) {
      if (test.isTest()) {
        System.out.println("-- " + test.getDisplayName());
      }
    }
  }
}
