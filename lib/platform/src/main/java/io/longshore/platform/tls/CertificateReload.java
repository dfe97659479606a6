package io.longshore.platform.tls;

import io.longshore.platform.lifecycle.Component;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks for new certificates again and again while a service runs. */
public final class CertificateReload implements Component {
  private static final Logger log = LoggerFactory.getLogger(CertificateReload.class);

  private final Certificates certificates;
  private final Duration interval;
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("certificates").daemon().factory());
  private String lastProblem = "";

  /**
   * @param interval how often; positive
   */
  public CertificateReload(Certificates certificates, Duration interval) {
    this.certificates = certificates;
    this.interval = interval;
  }

  @Override
  public void start() {
    log.info("This is {}", certificates);
    var _ =
        clock.scheduleWithFixedDelay(
            this::reload, interval.toNanos(), interval.toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public void stop() {
    clock.shutdownNow();
  }

  private void reload() {
    try {
      if (certificates.reload()) {
        log.info("Has new certificates: this is {}", certificates);
      }
      lastProblem = "";
    } catch (GeneralSecurityException | RuntimeException e) {
      String problem = String.valueOf(e.getMessage());
      if (!problem.equals(lastProblem)) {
        log.warn(
            "The certificates in use stay, for those in the folder cannot be used: {}", problem);
      }
      lastProblem = problem;
    }
  }
}
