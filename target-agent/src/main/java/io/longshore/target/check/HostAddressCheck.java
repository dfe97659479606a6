package io.longshore.target.check;

import io.longshore.agent.workload.ServiceAddressFacts;
import io.longshore.linux.network.Interfaces;
import io.longshore.linux.network.ServiceAddress;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;

/** Looks at the interfaces of this host. */
public final class HostAddressCheck implements AddressCheck {
  @Override
  public Optional<String> obstacle(ServiceAddressFacts facts) {
    try {
      ServiceAddress address = ServiceAddress.parse(facts.cidr());
      Optional<String> owner = Interfaces.withAddress(address);
      if (owner.isPresent()) {
        return Optional.of("%s of the target has %s already".formatted(owner.get(), address));
      }
      if (Interfaces.inSubnet(address).isEmpty()) {
        return Optional.of("no interface of the target is in the subnet of " + address);
      }
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      throw new LongshoreException(
          Reason.INVALID_ARGUMENT, "service_addresses: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at the interfaces", e);
    }
  }
}
