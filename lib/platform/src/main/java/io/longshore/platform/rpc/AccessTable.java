package io.longshore.platform.rpc;

import static io.longshore.platform.tls.Role.COORDINATOR;
import static io.longshore.platform.tls.Role.OPERATOR;
import static io.longshore.platform.tls.Role.SCHEDULER;
import static io.longshore.platform.tls.Role.SOURCE_AGENT;
import static io.longshore.platform.tls.Role.TARGET_AGENT;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import io.longshore.platform.tls.Role;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Who may make which call: every call of every service, and no other. A call that is not in here is
 * refused to everybody. docs/threat-model.md has the same table; a test compares them.
 */
final class AccessTable {
  /** What a call does. */
  enum Effect {
    /** Looks only. */
    READS,
    /** Changes something: the audit log has a line for it. */
    CHANGES,
    /** Changes something so often that the audit log has only refusals. */
    REPEATS
  }

  /** Who may make a call and what it does. */
  record Access(Set<Role> callers, Effect effect) {
    Access {
      callers = Set.copyOf(callers);
    }
  }

  private static final Role[] EVERYBODY = Role.values();

  /** The table. */
  static final AccessTable LONGSHORE =
      new AccessTable()
          .service("longshore.v1.MigrationService")
          .reads("PlanMigration", OPERATOR, SCHEDULER)
          .changes("CreateMigration", OPERATOR, SCHEDULER)
          .reads("GetMigration", OPERATOR, SCHEDULER)
          .reads("ListMigrations", OPERATOR, SCHEDULER)
          .reads("WatchMigration", OPERATOR, SCHEDULER)
          .changes("CancelMigration", OPERATOR, SCHEDULER)
          .changes("UpdateMigration", OPERATOR, SCHEDULER)
          .changes("ResolveMigration", OPERATOR)
          .service("longshore.v1.NodeService")
          .reads("ListNodes", OPERATOR, SCHEDULER)
          .reads("GetNode", OPERATOR, SCHEDULER)
          .changes("TestNode", OPERATOR)
          .reads("ListWorkloads", OPERATOR, SCHEDULER)
          .service("longshore.agent.v1.NodeRegistryService")
          .repeats("Heartbeat", SOURCE_AGENT, TARGET_AGENT)
          .service("longshore.agent.v1.SourceAgentService")
          .reads("InspectWorkload", COORDINATOR)
          .reads("ListWorkloads", COORDINATOR)
          .reads("ProfileWorkload", COORDINATOR)
          .reads("ProbeLink", COORDINATOR)
          .changes("PrepareSource", COORDINATOR)
          .changes("CopyRounds", COORDINATOR)
          .changes("FreezeWorkload", COORDINATOR)
          .changes("PushPages", COORDINATOR)
          .changes("LimitSource", COORDINATOR)
          .changes("ReleaseSource", COORDINATOR)
          .changes("RollBackSource", COORDINATOR)
          .reads("GetSource", COORDINATOR)
          .service("longshore.agent.v1.CanaryService")
          .changes("StartCanary", COORDINATOR)
          .changes("EndCanary", COORDINATOR)
          .service("longshore.agent.v1.TargetAgentService")
          .reads("CheckTarget", COORDINATOR)
          .changes("PrepareTarget", COORDINATOR)
          .changes("RestoreWorkload", COORDINATOR)
          .changes("ResumeWorkload", COORDINATOR)
          .changes("CompleteTarget", COORDINATOR)
          .changes("AbortTarget", COORDINATOR)
          .reads("GetTarget", COORDINATOR)
          .service("longshore.transfer.v1.TransferService")
          .changes("SendImages", SOURCE_AGENT)
          .changes("SendPages", SOURCE_AGENT)
          .changes("ServeFaults", SOURCE_AGENT)
          .changes("SyncFiles", SOURCE_AGENT)
          .reads("ProbeLink", SOURCE_AGENT)
          .service("grpc.health.v1.Health")
          .reads("Check", EVERYBODY)
          .reads("Watch", EVERYBODY)
          .service("grpc.reflection.v1.ServerReflection")
          .reads("ServerReflectionInfo", OPERATOR, SCHEDULER)
          .service("grpc.reflection.v1alpha.ServerReflection")
          .reads("ServerReflectionInfo", OPERATOR, SCHEDULER)
          .service("grpc.channelz.v1.Channelz")
          .reads("GetTopChannels", OPERATOR)
          .reads("GetServers", OPERATOR)
          .reads("GetServer", OPERATOR)
          .reads("GetServerSockets", OPERATOR)
          .reads("GetChannel", OPERATOR)
          .reads("GetSubchannel", OPERATOR)
          .reads("GetSocket", OPERATOR);

  private final Map<String, Access> calls = new LinkedHashMap<>();
  private String service = "";

  private AccessTable() {}

  /**
   * Who may make a call.
   *
   * @param fullMethodName {@code longshore.v1.MigrationService/GetMigration}
   */
  Optional<Access> find(String fullMethodName) {
    return Optional.ofNullable(calls.get(fullMethodName));
  }

  /** Full names of all calls. */
  Set<String> names() {
    return Set.copyOf(calls.keySet());
  }

  /**
   * Prints the table for docs/threat-model.md: {@code java -cp 'cli/target/lib/*'
   * io.longshore.platform.rpc.AccessTable}.
   */
  public static void main(String[] args) {
    byte[] table = LONGSHORE.markdown().getBytes(StandardCharsets.UTF_8);
    System.out.write(table, 0, table.length);
    System.out.flush();
  }

  /** The table for docs/threat-model.md. */
  String markdown() {
    StringBuilder table =
        new StringBuilder("| call | may be made by | audit line |\n|---|---|---|\n");
    calls.forEach(
        (name, access) ->
            table.append(
                "| `%s` | %s | %s |\n"
                    .formatted(
                        name,
                        access.callers().size() == EVERYBODY.length
                            ? "every role"
                            : String.join(
                                ", ",
                                EnumSet.copyOf(access.callers()).stream()
                                    .map(Role::toString)
                                    .toList()),
                        switch (access.effect()) {
                          case READS -> "";
                          case CHANGES -> "yes";
                          case REPEATS -> "refusals only";
                        })));
    return table.toString();
  }

  private AccessTable service(String name) {
    service = name;
    return this;
  }

  private AccessTable reads(String method, Role... callers) {
    return add(method, Effect.READS, callers);
  }

  private AccessTable changes(String method, Role... callers) {
    return add(method, Effect.CHANGES, callers);
  }

  private AccessTable repeats(String method, Role... callers) {
    return add(method, Effect.REPEATS, callers);
  }

  @CanIgnoreReturnValue
  private AccessTable add(String method, Effect effect, Role... callers) {
    if (calls.put(service + "/" + method, new Access(Set.of(callers), effect)) != null) {
      throw new IllegalStateException(service + "/" + method + " is in the table twice");
    }
    return this;
  }
}
