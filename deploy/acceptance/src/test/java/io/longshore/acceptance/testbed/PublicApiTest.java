package io.longshore.acceptance.testbed;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.longshore.v1.CreateMigrationResponse;
import io.longshore.v1.ListMigrationsResponse;
import io.longshore.v1.Migration;
import io.longshore.v1.PlanMigrationResponse;
import io.longshore.v1.WatchMigrationResponse;
import java.util.Base64;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/**
 * The public API by reflection, as grpcurl or any other stranger uses it: 'buf curl' from host
 * client.
 */
@OnTestbed
@Order(2)
class PublicApiTest {
  private static final String COORDINATOR = "https://10.77.0.2:7700/";
  private static final Pattern BETWEEN_OBJECTS = Pattern.compile("(?<=\\n\\})\\s*(?=\\{)");

  private final Testbed testbed;

  PublicApiTest(Testbeds testbeds) {
    testbed = testbeds.usual();
  }

  @Test
  void plansCreatesWatchesAndLists() {
    try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", "--size", "32m")) {
      String spec =
          """
          {"source_node": "a", "target_node": "b", "workload": {"process": {"pid": %d}},
           "strategy": "STRATEGY_POST_COPY"}
          """
              .formatted(workload.pid());
      PlanMigrationResponse plan =
          Longshore.parse(
                  call("PlanMigration", "{\"spec\": %s}".formatted(spec)),
                  PlanMigrationResponse.newBuilder())
              .build();
      assertThat(plan.getPlan().getObstaclesList()).isEmpty();
      assertThat(plan.getPlan().getWorkload().getPrivateBytes()).isGreaterThan(32L << 20);

      String request =
          "{\"request_id\": \"curl-%d\", \"spec\": %s}".formatted(workload.pid(), spec);
      Migration created = create(request);
      assertThat(created.getId()).isNotEmpty();
      assertThat(create(request).getId()).as("created again").isEqualTo(created.getId());

      List<Migration> watched =
          BETWEEN_OBJECTS
              .splitAsStream(
                  call("WatchMigration", "{\"migration_id\": \"%s\"}".formatted(created.getId())))
              .map(
                  json ->
                      Longshore.parse(json, WatchMigrationResponse.newBuilder())
                          .build()
                          .getMigration())
              .toList();
      assertThat(watched.getLast().getState()).isEqualTo(Migration.State.STATE_SUCCEEDED);

      ListMigrationsResponse list =
          Longshore.parse(
                  call("ListMigrations", "{\"page_size\": 1}"), ListMigrationsResponse.newBuilder())
              .build();
      assertThat(list.getMigrationsList()).containsExactly(watched.getLast());
      workload.assertRightOn("b");
    }
  }

  @Test
  void saysInErrorInfoWhatIsInTheWay() {
    Command.Output refused =
        curl(
                "longshore.v1.MigrationService/CreateMigration",
                """
                {"request_id": "curl-refused", "spec": {"source_node": "a", "target_node": "nowhere",
                 "workload": {"process": {"pid": 3999999}}}}
                """)
            .run();
    assertThat(refused.status()).isNotZero();
    JsonObject error = JsonParser.parseString(refused.err()).getAsJsonObject();
    assertThat(error.get("code").getAsString()).isEqualTo("failed_precondition");
    // A stranger without the schema of ErrorInfo sees it as base64.
    assertThat(error.getAsJsonArray("details"))
        .extracting(detail -> detail.getAsJsonObject().get("type").getAsString())
        .containsExactly("google.rpc.ErrorInfo", "google.rpc.ErrorInfo");
    assertThat(error.getAsJsonArray("details"))
        .extracting(PublicApiTest::decoded)
        .anySatisfy(text -> assertThat(text).contains("UNKNOWN_NODE", "nowhere"))
        .anySatisfy(text -> assertThat(text).contains("UNKNOWN_PROCESS", "3999999"));
  }

  private static String decoded(JsonElement detail) {
    return new String(
        Base64.getDecoder().decode(detail.getAsJsonObject().get("value").getAsString()), UTF_8);
  }

  @Test
  void everyServiceAnswersHealthAndReflection() {
    for (String endpoint :
        List.of(
            COORDINATOR,
            "https://10.77.0.11:7710/",
            "https://10.77.0.11:7720/",
            "https://10.77.0.12:7710/",
            "https://10.77.0.12:7720/")) {
      assertThat(curlAt(endpoint, "grpc.health.v1.Health/Check", "{}").run().expectSuccess())
          .as("health of %s", endpoint)
          .contains("SERVING");
      assertThat(
              curlAt(endpoint, "grpc.channelz.v1.Channelz/GetServers", "{}").run().expectSuccess())
          .as("channelz of %s", endpoint)
          .contains("serverId");
    }
  }

  @Test
  void theProtocolsAreClean() {
    Command.of(
            List.of(
                "sh",
                "-c",
                "cd \"$1\" && exec \"$2\" lint",
                "-",
                Checkout.path("proto").toString(),
                Checkout.tool("LONGSHORE_BUF")))
        .run()
        .expectSuccess();
  }

  private Migration create(String request) {
    return Longshore.parse(call("CreateMigration", request), CreateMigrationResponse.newBuilder())
        .build()
        .getMigration();
  }

  private String call(String method, String request) {
    return curl("longshore.v1.MigrationService/" + method, request).run().expectSuccess();
  }

  private Command curl(String method, String request) {
    return curlAt(COORDINATOR, method, request);
  }

  private Command curlAt(String endpoint, String method, String request) {
    return Curl.of(testbed, "client", testbed.certificates("operator"), request, endpoint + method);
  }
}
