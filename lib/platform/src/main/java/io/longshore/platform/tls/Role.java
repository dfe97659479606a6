package io.longshore.platform.tls;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What the holder of a certificate is. Which role may make which call: AccessTable. */
public enum Role {
  /** A person, or what acts for one. */
  OPERATOR,
  /** A program that places workloads and has them moved. */
  SCHEDULER,
  /** Decides about migrations and drives the agents. */
  COORDINATOR,
  /** Gives workloads away; speaks for the node that its certificate names. */
  SOURCE_AGENT,
  /** Takes workloads; speaks for the node that its certificate names. */
  TARGET_AGENT;

  /** The role of that name, as certificates write it: {@code source-agent}. */
  public static Optional<Role> parse(String text) {
    return Arrays.stream(values()).filter(role -> role.toString().equals(text)).findFirst();
  }

  /** As certificates write it: {@code source-agent}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
