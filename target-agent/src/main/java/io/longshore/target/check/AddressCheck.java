package io.longshore.target.check;

import io.longshore.agent.workload.ServiceAddressFacts;
import java.util.Optional;

/** Whether an address could move here. */
public interface AddressCheck {
  /** Why it could not; empty if it could. */
  Optional<String> obstacle(ServiceAddressFacts address);
}
