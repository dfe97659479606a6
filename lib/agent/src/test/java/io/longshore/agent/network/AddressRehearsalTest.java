package io.longshore.agent.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.linux.network.AddressLock;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class AddressRehearsalTest {
  @Test
  void everyPartOfMovingAnAddressWorksAndNothingIsSeenOfIt() throws Exception {
    List<String> before = AddressLock.tables();
    AtomicReference<IOException> failure = new AtomicReference<>();
    List<String> left = new ArrayList<>();
    Thread rehearsing =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    AddressRehearsal.rehearseInNewNamespace();
                    left.addAll(AddressLock.tables());
                  } catch (IOException e) {
                    failure.set(e);
                  }
                });
    rehearsing.join();
    assertThat(failure.get()).isNull();
    assertThat(left).isEmpty();
    assertThat(AddressLock.tables()).isEqualTo(before);
  }
}
