package io.longshore.agent.doctor;

import io.longshore.agent.host.AgentIdentity.Role;
import java.nio.file.Path;

/**
 * Where an agent of this node keeps what it has.
 *
 * @param role which agent
 * @param work its work folder
 * @param journal its journal folder
 */
public record AgentFolders(Role role, Path work, Path journal) {
  String agent() {
    return switch (role) {
      case SOURCE -> "source-agent";
      case TARGET -> "target-agent";
    };
  }

  /** The class that such an agent's process was started with. */
  String mainClass() {
    return switch (role) {
      case SOURCE -> "io.longshore.source.app.SourceAgentMain";
      case TARGET -> "io.longshore.target.app.TargetAgentMain";
    };
  }
}
