package io.longshore.target.network;

import io.longshore.linux.network.ServiceAddress;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Of a workload that has no addresses: counts what was held for it. Thread-safe. */
public final class TestAddresses implements AddressArrival {
  private final AtomicInteger held = new AtomicInteger();

  /** How many packets. */
  public int held() {
    return held.get();
  }

  @Override
  public void prepare(Consumer<List<ServiceAddress>> claim) {}

  @Override
  public void hold(byte[] packet) {
    held.incrementAndGet();
  }

  @Override
  public void silence() {}

  @Override
  public void letOut() {}

  @Override
  public void resume() {}

  @Override
  public void withdraw() {}

  @Override
  public void close() {}
}
