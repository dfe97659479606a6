package io.longshore.coordinator.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.platform.config.Configuration;
import io.longshore.platform.tls.TlsConfig;
import io.longshore.platform.value.HostPort;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CoordinatorConfigTest {
  @TempDir Path folder;

  @Test
  void defaults() {
    assertThat(Configuration.load("coordinator", Optional.empty(), CoordinatorConfig.class))
        .isEqualTo(
            new CoordinatorConfig(
                new HostPort("127.0.0.1", 7700),
                Path.of("/var/lib/longshore/coordinator.db"),
                Duration.ofSeconds(1),
                Duration.ofSeconds(5),
                Duration.ofSeconds(60),
                true,
                2,
                new CoordinatorConfig.Retry(
                    Duration.ofSeconds(10), Duration.ofMillis(100), Duration.ofSeconds(5)),
                new TlsConfig(Optional.empty(), Duration.ofSeconds(10), false)));
  }

  @Test
  void readsAFileOverTheDefaults() throws IOException {
    Path file = folder.resolve("coordinator.conf");
    Files.writeString(file, "coordinator { listen = \"10.77.0.2:7700\", retry.patience = 3s }\n");

    CoordinatorConfig config =
        Configuration.load("coordinator", Optional.of(file), CoordinatorConfig.class);
    assertThat(config.listen()).isEqualTo(new HostPort("10.77.0.2", 7700));
    assertThat(config.retry().patience()).isEqualTo(Duration.ofSeconds(3));
  }

  @Test
  void refusesATimeoutThatIsNotLongerThanTheInterval() throws IOException {
    Path file = folder.resolve("coordinator.conf");
    Files.writeString(file, "coordinator { heartbeat-timeout = 1s }\n");

    assertThatThrownBy(
            () -> Configuration.load("coordinator", Optional.of(file), CoordinatorConfig.class))
        .hasMessageContaining("heartbeat-timeout");
  }
}
